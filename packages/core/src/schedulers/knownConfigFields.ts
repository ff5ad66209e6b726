/**
 * The config fields of diffusers' schedulers. A config that was saved by one of them may hold these, and another one passes
 * over them in silence; any other field is worth a warning.
 */
export const knownConfigFields: ReadonlySet<string> = new Set([
  'algorithm_type', 'base_image_seq_len', 'base_shift', 'beta_end', 'beta_schedule', 'beta_start', 'clip_sample', 'clip_sample_range',
  'corrector_order', 'disable_corrector', 'dynamic_thresholding_ratio', 'euler_at_final', 'final_sigmas_type', 'flow_shift',
  'interpolation_type', 'invert_sigmas', 'lambda_min_clipped', 'lower_order_final', 'max_image_seq_len', 'max_shift',
  'num_train_timesteps', 'original_inference_steps', 'predict_x0', 'prediction_type', 'predictor_order', 'rescale_betas_zero_snr',
  'rho', 'sample_max_value', 'set_alpha_to_one', 'shift', 'shift_terminal', 'sigma_data', 'sigma_max', 'sigma_min', 'sigma_schedule',
  'skip_prk_steps', 'snr_shift_scale', 'solver_order', 'solver_p', 'solver_type', 'steps_offset', 'stochastic_sampling', 'tau_func',
  'thresholding', 'time_shift_type', 'timestep_scaling', 'timestep_spacing', 'timestep_type', 'trained_betas', 'use_beta_sigmas',
  'use_dynamic_shifting', 'use_exponential_sigmas', 'use_flow_sigmas', 'use_karras_sigmas', 'use_lu_lambdas', 'variance_type',
]);
