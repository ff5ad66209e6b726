/**
 * Config fields that say how a solver goes about its work, and nothing about the model. Checkpoints carry those of the scheduler that they
 * came with, and of ones before it, so a scheduler that lacks them is worth no warning, in diffusers either.
 */
export const solverSettings: ReadonlySet<string> = new Set([
  'algorithm_type', 'base_image_seq_len', 'base_shift', 'clip_sample_range', 'corrector_order', 'disable_corrector', 'dynamic_thresholding_ratio',
  'euler_at_final', 'final_sigmas_type', 'flow_shift', 'interpolation_type', 'lambda_min_clipped', 'lower_order_final', 'max_image_seq_len',
  'max_shift', 'original_inference_steps', 'predict_x0', 'predictor_order', 'rho', 'sample_max_value', 'set_alpha_to_one', 'sigma_data',
  'sigma_max', 'sigma_min', 'sigma_schedule', 'skip_prk_steps', 'solver_order', 'solver_p', 'solver_type', 'steps_offset', 'tau_func',
  'time_shift_type', 'timestep_scaling', 'timestep_type', 'variance_type',
]);
