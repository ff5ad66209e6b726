/**
 * What a limit that counts the page cache needs room for beside what cannot be taken back, in bytes: pages of programs and of the weights that a layer just reads, and what the system keeps for both processes, such as
 * tables of pages (3 to 8 MB). SD 1.5 within 160 MB was killed with 149 MB held, and completes with 124.
 */
export const LEAST_CACHE = 28 * 2 ** 20;
