/* dgiqa-edge native runtime: load a bundle, push frames, get score, depth and verdict.
 *
 * A complete program (see also dgiqa_edge.hpp for C++):
 *
 *     #include <dgiqa_edge.h>
 *     #include <stdio.h>
 *
 *     int main(int argc, char **argv) {
 *         dgiqa_scorer_params params = dgiqa_scorer_default_params();
 *         dgiqa_scorer *scorer = NULL;
 *         dgiqa_camera *camera = NULL;
 *         params.bundle = argc > 1 ? argv[1] : "build/demo/bundle";
 *         if (dgiqa_scorer_create(&params, &scorer) != DGIQA_OK ||
 *             dgiqa_camera_create(scorer, NULL, NULL, &camera) != DGIQA_OK) {
 *             fprintf(stderr, "%s\n", dgiqa_last_error());
 *             dgiqa_scorer_free(scorer);
 *             return 1;
 *         }
 *         static unsigned char pixels[480 * 640 * 3];   // your frame: BGR rows without gaps
 *         dgiqa_frame frame = dgiqa_frame_default();
 *         frame.planes[0] = pixels;
 *         frame.strides[0] = 640 * 3;
 *         frame.width = 640;
 *         frame.height = 480;
 *         frame.format = DGIQA_BGR;
 *         for (int i = 0; i < 10; ++i) {
 *             dgiqa_quality quality;
 *             dgiqa_verdict verdict;
 *             if (dgiqa_camera_judge(camera, &frame, i / 10.0, &quality, &verdict) != DGIQA_OK) {
 *                 fprintf(stderr, "%s\n", dgiqa_last_error());
 *                 break;
 *             }
 *             printf("%.3f %s (%s)\n", quality.score, dgiqa_state_name(verdict.state), verdict.reason);
 *         }
 *         dgiqa_camera_free(camera);
 *         dgiqa_scorer_free(scorer);
 *         return 0;
 *     }
 *
 * Threads: every function may be called from any thread, but one object (scorer, gate, cue meter, camera) only from one
 * thread at a time; a camera uses its scorer, so cameras that share one take turns. Different objects are independent.
 * Errors: a function that can fail returns a dgiqa_status; the text of the last failure on the calling thread is
 * dgiqa_last_error(). Nothing throws across this interface and nothing is printed.
 * Memory: what a function returns belongs to the object it came from, as said beside it; free objects with their _free.
 */
#ifndef DGIQA_EDGE_H
#define DGIQA_EDGE_H

#include <stddef.h>
#include <stdint.h>

#if defined(DGIQA_EDGE_STATIC)
#define DGIQA_API
#elif defined(__GNUC__)
#define DGIQA_API __attribute__((visibility("default")))
#else
#define DGIQA_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* One status per thing that a user can mend; the names are those of the Python package's exceptions. */
typedef enum dgiqa_status {
    DGIQA_OK = 0,
    DGIQA_ERROR_CONFIGURATION = 1,        /* arguments or settings that break a stated rule */
    DGIQA_ERROR_BUNDLE = 2,               /* a bundle that is incomplete, damaged, or of a newer version */
    DGIQA_ERROR_ENGINE_COMPATIBILITY = 3, /* an engine that this machine or this build of the library cannot run */
    DGIQA_ERROR_MACHINE = 4,              /* out of memory, a library that is missing, a disk that is full */
    DGIQA_ERROR_FIDELITY = 5,             /* the engine does not give on this machine what the bundle promised */
    DGIQA_ERROR_SOURCE = 6,               /* a frame that cannot be used */
    DGIQA_ERROR_GATE = 7                  /* the gate's watchdog raised; the frame has been taken in */
} dgiqa_status;

/* Text of the last failure on this thread, one line: what was wrong and what to do. Valid until the next failure. */
DGIQA_API const char *dgiqa_last_error(void);

/* "1.2.3"; static. */
DGIQA_API const char *dgiqa_version(void);

/* JSON object: version, backends and their versions, frame kernels, compiler. Static. */
DGIQA_API const char *dgiqa_build_info(void);

/* ---- frames ---------------------------------------------------------------------------------------------------- */

typedef enum dgiqa_pixel_format {
    DGIQA_BGR = 0,  /* planes[0]: 3 bytes a pixel */
    DGIQA_RGB = 1,  /* planes[0]: 3 bytes a pixel */
    DGIQA_BGRA = 2, /* planes[0]: 4 bytes a pixel, alpha is dropped */
    DGIQA_RGBA = 3, /* planes[0]: 4 bytes a pixel, alpha is dropped */
    DGIQA_GREY = 4, /* planes[0]: 1 byte a pixel, repeated over the channels */
    DGIQA_NV12 = 5, /* planes[0]: Y, planes[1]: U and V in turn for 2x2 pixels; even width and height */
    DGIQA_YUYV = 6, /* planes[0]: Y0 U Y1 V for two pixels; even width */
    DGIQA_I420 = 7  /* planes[0]: Y, planes[1]: U, planes[2]: V for 2x2 pixels; even width and height */
} dgiqa_pixel_format;

/* The matrix from YUV to BGR. */
typedef enum dgiqa_colour_matrix {
    DGIQA_BT601_LIMITED = 0, /* what OpenCV assumes */
    DGIQA_BT601_FULL = 1,    /* JPEG cameras */
    DGIQA_BT709_LIMITED = 2, /* HD video */
    DGIQA_BT709_FULL = 3
} dgiqa_colour_matrix;

/* Where the planes lie. Anything but HOST needs a build with CUDA; dgiqa_scorer_score then brings the frame to a TensorRT
   engine's input without a copy on the host. Work on the GPU that fills the planes must be finished before the call. */
typedef enum dgiqa_memory {
    DGIQA_HOST = 0,
    DGIQA_HOST_PINNED = 1, /* page-locked: copied to the device without a bounce */
    DGIQA_MANAGED = 2,
    DGIQA_DEVICE = 3
} dgiqa_memory;

/* A picture that the caller keeps; it is only read, and only during the call. At most 2^28 pixels, 65,535 a side. */
typedef struct dgiqa_frame {
    const uint8_t *planes[3];
    size_t strides[3]; /* bytes from one row of a plane to the next, at most 1 MiB; 0: rows without gaps */
    int width;
    int height;
    dgiqa_pixel_format format;
    dgiqa_colour_matrix matrix;
    dgiqa_memory memory;
} dgiqa_frame;

/* All zero: no planes, BGR, BT.601 limited, host memory. */
DGIQA_API dgiqa_frame dgiqa_frame_default(void);

/* ---- scorer ---------------------------------------------------------------------------------------------------- */

typedef struct dgiqa_scorer dgiqa_scorer;

typedef enum dgiqa_verify {
    DGIQA_VERIFY_ONCE = 0,  /* replay the golden frame unless this very replay has passed on this machine before */
    DGIQA_VERIFY_ALWAYS = 1,
    DGIQA_VERIFY_NEVER = 2
} dgiqa_verify;

/* How a frame of another shape than the bundle's takes it. Nothing adds bars of one colour. */
typedef enum dgiqa_fit {
    DGIQA_FIT_BUNDLE = 0,  /* as the bundle says */
    DGIQA_FIT_STRETCH = 1, /* straight to its size, whatever becomes of the aspect */
    DGIQA_FIT_PAD = 2,     /* the whole picture with its own aspect in the middle, mirrored at its edges */
    DGIQA_FIT_CROP = 3     /* the middle of the picture with its own aspect */
} dgiqa_fit;

/* A part of a picture, in its pixels. */
typedef struct dgiqa_box {
    int left;
    int top;
    int width;
    int height;
} dgiqa_box;

typedef struct dgiqa_scorer_params {
    const char *bundle;  /* folder that export/build_engine.py wrote */
    const char *backend; /* "auto", or one of those that dgiqa_build_info() lists */
    int threads;         /* of the CPU backend, at most 256; 0: the backend's choice */
    int strict_size;     /* 1: refuse frames of another size than the bundle's instead of fitting them */
    dgiqa_verify verify;
    dgiqa_fit fit;
} dgiqa_scorer_params;

DGIQA_API dgiqa_scorer_params dgiqa_scorer_default_params(void);

/* Raw material of a verdict. Pointers belong to the scorer and hold until its next call. */
typedef struct dgiqa_quality {
    float score;              /* in [0, 1], 1 best */
    const float *crop_scores; /* [crop_count], as in the manifest's order */
    size_t crop_count;
    const uint8_t *depth; /* [depth_height * depth_width], relative inverse depth, 255 nearest */
    int depth_width;
    int depth_height;
    double resize_ms; /* conversion of pixels and size */
    double engine_ms;
    double total_ms;
    size_t fault_count;             /* faults that the bundle reads; 0: none, and the pointers below are NULL */
    const char *const *fault_names; /* [fault_count], "blurred", "dark" ... */
    const float *faults;            /* [fault_count], probability of each */
    const float *coverage;          /* [coverage_rows * coverage_columns * fault_count], those of the frame's cells */
    int coverage_rows;
    int coverage_columns;
    dgiqa_box depth_box; /* the part of depth that shows the frame's picture: all of it unless the frame was padded */
    dgiqa_box frame_box; /* the part of the frame that is seen there: all of it unless the frame was cropped */
} dgiqa_quality;

/* Read and verify a bundle (hashes, schema, golden frame) and load its engines. On failure *scorer is NULL.
 * Errors: CONFIGURATION, BUNDLE, ENGINE_COMPATIBILITY, MACHINE, FIDELITY. */
DGIQA_API dgiqa_status dgiqa_scorer_create(const dgiqa_scorer_params *params, dgiqa_scorer **scorer);

/* Score one frame; another size than the bundle's is resized to it, as fit of the parameters says.
 * Errors: SOURCE, FIDELITY (a score or a probability that is not a number), ENGINE_COMPATIBILITY, CONFIGURATION, MACHINE. */
DGIQA_API dgiqa_status dgiqa_scorer_score(dgiqa_scorer *scorer, const dgiqa_frame *frame, dgiqa_quality *quality);

/* JSON object: bundle, preset, precision, frame size, faults (where it reads some), engines, backend and version, device.
   Belongs to the scorer. */
DGIQA_API const char *dgiqa_scorer_describe(const dgiqa_scorer *scorer);

/* Height and width of the frames that the engines take. */
DGIQA_API void dgiqa_scorer_frame_size(const dgiqa_scorer *scorer, int *height, int *width);

/* NULL is fine. */
DGIQA_API void dgiqa_scorer_free(dgiqa_scorer *scorer);

/* ---- gate ------------------------------------------------------------------------------------------------------ */

typedef struct dgiqa_gate dgiqa_gate;
typedef struct dgiqa_cue_meter dgiqa_cue_meter;

typedef enum dgiqa_state { DGIQA_UNKNOWN = 0, DGIQA_PASS = 1, DGIQA_REJECT = 2 } dgiqa_state;

/* "unknown", "pass", "reject"; static. */
DGIQA_API const char *dgiqa_state_name(dgiqa_state state);

/* Classical measurements of a frame, defined in the Python package's runtime/gate/reading.py; NaN: no value. */
typedef struct dgiqa_cues {
    double luminance;
    double shadows;
    double clipped;
    double sharpness;
    double noise;
    double haze;
    double contrast;
    double occlusion;
    double change;
    double smear;
    double moved; /* this and the next two: against a reference view */
    double likeness;
    double cast;
} dgiqa_cues;

/* What the gate says about a frame. Strings belong to the gate (or camera) and hold until its next call. */
typedef struct dgiqa_verdict {
    dgiqa_state state;
    const char *reason; /* "good", "blurred", "too dark" ... */
    const char *cue;    /* the check that decided; NULL where none did */
    double value;       /* of that check; NaN: none */
    double threshold;   /* of that check; NaN: none */
    double score;       /* of this frame; NaN: not scored */
    double smoothed;    /* score after smoothing; NaN: none */
    int changed;        /* 1: this frame changed the state */
    int overdue;        /* 1: rejecting for longer than the watchdog allows */
    int announced;      /* 1: people are to be told: state and reason have settled and differ from those told last */
    const char *runner_up;      /* the next most severe fault; NULL: nothing else is wrong */
    const char *runner_up_cue;  /* the check that found it */
    double runner_up_value;     /* of that check */
    double runner_up_threshold; /* of that check */
    const char *head;           /* what bundles call the reason's fault, for its coverage; NULL: none reads it */
} dgiqa_verdict;

/* A gate by the JSON text of a policy (as `dgiqa-edge gate defaults --json` prints it; what is absent has its default)
 * and of a learned baseline; NULL: the defaults, no baseline. Errors: CONFIGURATION. */
DGIQA_API dgiqa_status dgiqa_gate_create(const char *policy_json, const char *baseline_json, dgiqa_gate **gate);

/* What is known of one frame; what is not is NaN, NULL and 0. */
typedef struct dgiqa_reading {
    double score;           /* in [0, 1] */
    const dgiqa_cues *cues; /* NULL: not measured */
    size_t fault_count;     /* as in dgiqa_quality */
    const char *const *fault_names;
    const float *faults;
} dgiqa_reading;

/* Take in one frame captured at t seconds, never decreasing; reading NULL: the camera gives no signal.
 * Errors: CONFIGURATION; GATE, with *verdict filled in. */
DGIQA_API dgiqa_status dgiqa_gate_update(dgiqa_gate *gate, const dgiqa_reading *reading, double t,
                                         dgiqa_verdict *verdict);

/* The whole policy in force, as JSON text. Belongs to the gate. */
DGIQA_API const char *dgiqa_gate_policy(const dgiqa_gate *gate);

/* The baseline given or learned by now as JSON text, NULL while there is none. Belongs to the gate until its next call. */
DGIQA_API const char *dgiqa_gate_baseline(dgiqa_gate *gate);

/* NULL is fine. */
DGIQA_API void dgiqa_gate_free(dgiqa_gate *gate);

/* Measures one camera's frames in their order. */
DGIQA_API dgiqa_status dgiqa_cue_meter_create(dgiqa_cue_meter **meter);

/* Errors: SOURCE. */
DGIQA_API dgiqa_status dgiqa_cue_meter_measure(dgiqa_cue_meter *meter, const dgiqa_frame *frame, dgiqa_cues *cues);

/* Forget the last frame, after a reconnect. */
DGIQA_API void dgiqa_cue_meter_restart(dgiqa_cue_meter *meter);

/* From now on frames are compared with this view (moved, likeness, cast): the text of a file that
 * `dgiqa-edge gate reference` wrote. Errors: CONFIGURATION, and the meter goes on as before. */
DGIQA_API dgiqa_status dgiqa_cue_meter_set_reference(dgiqa_cue_meter *meter, const char *reference_json);

/* NULL is fine. */
DGIQA_API void dgiqa_cue_meter_free(dgiqa_cue_meter *meter);

/* ---- camera: scorer, cues and gate together -------------------------------------------------------------------- */

typedef struct dgiqa_camera dgiqa_camera;

/* One camera's gate on a scorer, which must outlive it; policy and baseline as for dgiqa_gate_create. */
DGIQA_API dgiqa_status dgiqa_camera_create(dgiqa_scorer *scorer, const char *policy_json, const char *baseline_json,
                                           dgiqa_camera **camera);

/* Score, measure and judge one frame captured at t seconds. quality may be NULL.
 * Errors: as dgiqa_scorer_score and dgiqa_gate_update. */
DGIQA_API dgiqa_status dgiqa_camera_judge(dgiqa_camera *camera, const dgiqa_frame *frame, double t,
                                          dgiqa_quality *quality, dgiqa_verdict *verdict);

/* Tell the gate that the camera gives nothing. Errors: CONFIGURATION. */
DGIQA_API dgiqa_status dgiqa_camera_no_signal(dgiqa_camera *camera, double t, dgiqa_verdict *verdict);

/* The camera's gate, for its policy and baseline; do not free it. */
DGIQA_API dgiqa_gate *dgiqa_camera_gate(dgiqa_camera *camera);

/* The view the camera is meant to have, as for dgiqa_cue_meter_set_reference. Without it one is learned where the
 * policy's reference.learn_minutes says so. Errors: CONFIGURATION, and the camera goes on as before. */
DGIQA_API dgiqa_status dgiqa_camera_set_reference(dgiqa_camera *camera, const char *reference_json);

/* The reference view given or learned by now as JSON text, NULL while there is none. Belongs to the camera until the
 * next call of this function. */
DGIQA_API const char *dgiqa_camera_reference(dgiqa_camera *camera);

/* NULL is fine; the scorer stays. */
DGIQA_API void dgiqa_camera_free(dgiqa_camera *camera);

#ifdef __cplusplus
}
#endif

#endif /* DGIQA_EDGE_H */
