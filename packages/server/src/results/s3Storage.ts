import type { Driver } from 'unstorage';
import s3Driver from 'unstorage/drivers/s3';
import type { ResultStorage } from './ResultStorage.js';
import { storageOf } from './storageOf.js';

/** A storage in a bucket of S3 or what is like it: `s3://BUCKET?endpoint=https://HOST&region=NAME`. Keys are those of `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. */
export function s3Storage(url: string): ResultStorage {
  const { host, searchParams } = new URL(url);
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION = 'us-east-1', AWS_ENDPOINT_URL } = process.env;
  const region = searchParams.get('region') ?? AWS_REGION;
  const driver = s3Driver({
    bucket: host,
    region,
    endpoint: searchParams.get('endpoint') ?? AWS_ENDPOINT_URL ?? `https://s3.${region}.amazonaws.com`,
    accessKeyId: AWS_ACCESS_KEY_ID ?? '',
    secretAccessKey: AWS_SECRET_ACCESS_KEY ?? '',
  }) as Driver;
  return storageOf(driver);
}
