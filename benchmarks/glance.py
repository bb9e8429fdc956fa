"""What the table at a glance shows, in its order."""

from __future__ import annotations

from typing import Final

from benchmarks.overview import Row

_FEET = "gait_feet_ipol"
_LAB = "gait_feet_gaitmap"
_RAISES = "leg_raises_pt"
_BOARD = "orientation_broad"
_SIMULATED = "simulated, exact truth"
_ALL = "all recordings and scenarios"
_ALERTS = "alerts"

ROWS: Final = (
    Row(
        _FEET,
        "strides: F1 (precision, recall)",
        "{gait_feet_ipol/f1:.3f} ({gait_feet_ipol/precision:.3f}, {gait_feet_ipol/recall:.3f})",
        "0.98",
        ("gait_feet_ipol/f1",),
        "templates (Oudre 2018) 0.98, 0.98; HMM (Roth 2021) 0.92",
    ),
    Row(
        _FEET,
        "initial contact: mean absolute error (bias ± sd)",
        "{gait_feet_ipol/ic_mae_ms:.0f} ms ({gait_feet_ipol/ic_bias_ms:+.0f} ± {gait_feet_ipol/ic_sd_ms:.0f})",
        "20 ms",
        ("gait_feet_ipol/ic_mae_ms",),
        "shank (Fadillioglu 2020) 11 ± 3 ms",
    ),
    Row(
        _FEET,
        "toe-off: mean absolute error (bias ± sd)",
        "{gait_feet_ipol/to_mae_ms:.0f} ms ({gait_feet_ipol/to_bias_ms:+.0f} ± {gait_feet_ipol/to_sd_ms:.0f})",
        "20 ms",
        ("gait_feet_ipol/to_mae_ms",),
        "shank (Fadillioglu 2020) 29 ± 11 ms",
    ),
    Row(
        _FEET,
        "cadence, error of a walk's mean: median, 95th percentile",
        "{gait_feet_ipol/cadence_mean_median:.2f}, {gait_feet_ipol/cadence_mean_p95:.2f} /min",
        "0.25, 1.5",
        ("gait_feet_ipol/cadence_mean_median", "gait_feet_ipol/cadence_mean_p95"),
        "lower back (Mobilise-D) about 9 /min",
    ),
    Row(
        _FEET,
        "cadence, absolute error of each stride: median, 95th percentile",
        "{gait_feet_ipol/cadence_median:.2f}, {gait_feet_ipol/cadence_p95:.2f} /min",
        beside="annotations in whole 10 ms cost 0.34 of it",
    ),
    Row(
        _FEET,
        "known after contact: median, 95th percentile",
        "{gait_feet_ipol/delay_median_s:.2f}, {gait_feet_ipol/delay_p95_s:.2f} s",
        "0.3 s",
        ("gait_feet_ipol/delay_p95_s",),
    ),
    Row(
        _FEET,
        "the same walks, accelerometer alone: F1 (precision, recall)",
        "{accelerometer_only/ipol_f1:.3f} ({accelerometer_only/ipol_precision:.3f}, "
        "{accelerometer_only/ipol_recall:.3f})",
    ),
    Row(
        _LAB,
        "strides: F1; stride length, bias and median absolute error",
        "{gait_feet_gaitmap/level_walk_f1:.3f}; {gait_feet_gaitmap/level_walk_length_bias_pct:+.1f} %, "
        "{gait_feet_gaitmap/level_walk_length_median_pct:.1f} %",
        "0.98",
        ("gait_feet_gaitmap/level_walk_f1",),
    ),
    Row(
        _RAISES,
        "sets counted within ±1",
        "{leg_raises_pt/within_one_pct:.0f} %",
        "95 %",
        ("leg_raises_pt/within_one_pct",),
        "RecoFit 2014 (arm) 93 %",
    ),
    Row(
        _RAISES,
        "missed, false",
        "{leg_raises_pt/missed_pct:.1f} %, {leg_raises_pt/false_pct:.1f} %",
        "3 %, 2 %",
        ("leg_raises_pt/missed_pct", "leg_raises_pt/false_pct"),
        "templates, offline (Yurtman 2014) 8.6 %, 4.9 %",
    ),
    Row(
        _RAISES,
        "sessions parted into their three sets by rests alone",
        "{leg_raises_pt/sessions_in_sets_pct:.0f} %",
    ),
    Row(
        _BOARD,
        "inclination: mean over trials; largest difference from the `vqf` package",
        "{orientation_broad/mean_deg:.2f}°; {orientation_broad/largest_apart_deg:.4f}°",
        "0.01°",
        ("orientation_broad/largest_apart_deg",),
        "VQF 0.72°, BasicVQF 1.07°, imufusion 5.16° (30 trials)",
    ),
    Row(
        _BOARD,
        "linear acceleration against optical position: error, mean over trials",
        "{orientation_broad/mean_acc_mps2:.2f} of {orientation_broad/mean_motion_mps2:.2f} m/s²",
    ),
    Row(
        _SIMULATED,
        "strides and repetitions found, missed, false, mount found",
        "{simulators/all_found_hits:.0f}, {simulators/all_found_missed:.0f}, {simulators/all_found_false:.0f}",
        "0 wrong",
    ),
    Row(
        _SIMULATED,
        "the reference case, 9.34 N of lateral force, consumer sensor: worst of 20 strides, mount known, found",
        "{simulators/reference_known_100_lateral_force_peak_n_pct:.1f} %, "
        "{simulators/reference_found_100_lateral_force_peak_n_pct:.1f} %",
        "2 %, 5 %",
        (
            "simulators/reference_known_100_lateral_force_peak_n_pct",
            "simulators/reference_found_100_lateral_force_peak_n_pct",
        ),
    ),
    Row(
        _SIMULATED,
        "known after a stride's contact, after a repetition's end: 95th percentile",
        "{promptness/stride_p95_s:.2f}, {promptness/rep_p95_s:.2f} s",
        "0.3 s",
        ("promptness/stride_p95_s", "promptness/rep_p95_s"),
    ),
    Row(
        _SIMULATED,
        "fields whose median error is within 2 %, no noise, mount known: walking, running, exercises",
        "{fields_known/walking_met:.0f} of {fields_known/walking_barred:.0f}, {fields_known/running_met:.0f} of "
        "{fields_known/running_barred:.0f}, {fields_known/exercises_met:.0f} of {fields_known/exercises_barred:.0f}",
        "all",
    ),
    Row(
        _SIMULATED,
        "fields within 5 %, consumer sensor, mount found: walking, running, exercises",
        "{fields_found/walking_met:.0f} of {fields_found/walking_barred:.0f}, {fields_found/running_met:.0f} of "
        "{fields_found/running_barred:.0f}, {fields_found/exercises_met:.0f} of {fields_found/exercises_barred:.0f}",
        "all",
    ),
    Row(
        _SIMULATED,
        "lateral force (rms), mount found, median error: walking, running",
        "{fields_found/walking_lateral_force_rms_n_median:.1f} %, "
        "{fields_found/running_lateral_force_rms_n_median:.1f} %",
        "5 %",
        ("fields_found/walking_lateral_force_rms_n_median", "fields_found/running_lateral_force_rms_n_median"),
    ),
    Row(
        _SIMULATED,
        "sway (rms), mount found, median error: walking, running, exercises",
        "{fields_found/walking_sway_rms_mps2_median:.1f} %, {fields_found/running_sway_rms_mps2_median:.1f} %, "
        "{fields_found/exercises_sway_rms_mps2_median:.1f} %",
        "5 %",
        (
            "fields_found/walking_sway_rms_mps2_median",
            "fields_found/running_sway_rms_mps2_median",
            "fields_found/exercises_sway_rms_mps2_median",
        ),
    ),
    Row(
        _SIMULATED,
        "phases of a repetition, median error: lift, hold, lower",
        "{fields_found/exercises_concentric_s_median:.1f} %, {fields_found/exercises_hold_s_median:.1f} %, "
        "{fields_found/exercises_eccentric_s_median:.1f} %",
        "10 %",
    ),
    Row(
        _SIMULATED,
        "contact time, bias ± sd: walking 0.4 to 1.9 m/s, running 9 and 12 km/h",
        "{totals/walk_contact_time_s_found_bias:+.0f} ± {totals/walk_contact_time_s_found_sd:.0f} ms, "
        "{totals/run_contact_time_s_found_bias:+.0f} ± {totals/run_contact_time_s_found_sd:.0f} ms",
        beside="shank methods on runners (Kiernan 2023): limits ± 90 to 150 ms",
    ),
    Row(
        _SIMULATED,
        "duty factor, bias ± sd: walking, running",
        "{totals/walk_duty_factor_found_bias:+.1f} ± {totals/walk_duty_factor_found_sd:.1f}, "
        "{totals/run_duty_factor_found_bias:+.1f} ± {totals/run_duty_factor_found_sd:.1f} points",
    ),
    Row(
        _SIMULATED,
        "stride length, bias ± sd: walking, running",
        "{totals/walk_stride_length_m_found_bias:+.1f} ± {totals/walk_stride_length_m_found_sd:.1f} cm, "
        "{totals/run_stride_length_m_found_bias:+.1f} ± {totals/run_stride_length_m_found_sd:.1f} cm",
    ),
    Row(
        _SIMULATED,
        "speed of a stride, bias ± sd: walking, running",
        "{totals/walk_stride_speed_mps_found_bias:+.2f} ± {totals/walk_stride_speed_mps_found_sd:.2f} m/s, "
        "{totals/run_stride_speed_mps_found_bias:+.2f} ± {totals/run_stride_speed_mps_found_sd:.2f} m/s",
    ),
    Row(
        _SIMULATED,
        "load share of a leg, velocity loss of a set: median error",
        "{totals/load_share_found_median:.1f}, {totals/velocity_loss_found_median:.1f} points",
    ),
    Row(
        _SIMULATED,
        "quiet-standing sway on one leg, ISway: measures within 2 % (ideal), 5 % (consumer sensor)",
        "{standing/met:.0f} of {standing/barred:.0f}",
        "all",
    ),
    Row(
        _ALL,
        "records of the right kind, walking or exercise, `movement = auto`",
        "{movement_auto/right_pct:.1f} %",
        "98 %",
        ("movement_auto/right_pct",),
    ),
    Row(
        _ALL,
        "records altered by cutting the recording after they were known",
        "{causality/altered:.0f} of {causality/compared:.0f}",
        "0",
        ("causality/altered",),
    ),
    Row(
        _ALL,
        "how often a wrong record has less quality than a right one",
        "{trust/separation:.2f}",
        "0.8",
        ("trust/separation",),
        "0.5 is chance",
    ),
    Row(
        _ALERTS,
        "false alerts: walks, other feet, leg exercises, scenarios without a reason",
        "{alerts/walks_false:.0f}, {alerts/feet_false:.0f}, {alerts/raises_false:.0f}, {alerts/scenarios_false:.0f}",
        "0",
        ("alerts/walks_false", "alerts/feet_false", "alerts/raises_false", "alerts/scenarios_false"),
    ),
    Row(
        _ALERTS,
        "told: compensating movement, fatigue, asymmetry, slip",
        "{alerts/lateral_disturbance_told_pct:.0f}, {alerts/fatigue_told_pct:.0f}, {alerts/asymmetry_told_pct:.0f}, "
        "{alerts/slip_told_pct:.0f} %",
        "100 %",
        (
            "alerts/lateral_disturbance_told_pct",
            "alerts/fatigue_told_pct",
            "alerts/asymmetry_told_pct",
            "alerts/slip_told_pct",
        ),
    ),
)
