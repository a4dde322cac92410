/* The public header is C99, and a C program can run gate and cue meter: what the example at its top does, without a
 * bundle. The exit status is the number of surprises. */
#include <dgiqa_edge.h>
#include <stdio.h>
#include <string.h>

static int surprises = 0;

static void expect(int held, const char *what) {
    if (!held) {
        fprintf(stderr, "not so: %s (%s)\n", what, dgiqa_last_error());
        ++surprises;
    }
}

int main(void) {
    static unsigned char pixels[480 * 640 * 3];
    dgiqa_frame frame = dgiqa_frame_default();
    dgiqa_gate *gate = NULL;
    dgiqa_cue_meter *meter = NULL;
    dgiqa_verdict verdict;
    dgiqa_cues cues;
    dgiqa_reading reading = {0.9, &cues, 0, NULL, NULL};
    const dgiqa_reading wrong = {2.0, NULL, 0, NULL, NULL};
    size_t i;
    int step;

    for (i = 0; i < sizeof pixels; ++i) {
        pixels[i] = (unsigned char)(i * 2654435761u >> 13);
    }
    frame.planes[0] = pixels;
    frame.strides[0] = 640 * 3;
    frame.width = 640;
    frame.height = 480;
    frame.format = DGIQA_BGR;
    if (dgiqa_gate_create("{\"start\": {\"readings\": 2}, \"cues\": {\"noise\": {\"role\": \"off\"}}}", NULL, &gate) != DGIQA_OK ||
        dgiqa_cue_meter_create(&meter) != DGIQA_OK) {
        fprintf(stderr, "%s\n", dgiqa_last_error());
        return 1;
    }
    for (step = 0; step < 10; ++step) {
        pixels[0] = (unsigned char)step; /* a live picture */
        expect(dgiqa_cue_meter_measure(meter, &frame, &cues) == DGIQA_OK, "the frame is measured");
        expect(dgiqa_gate_update(gate, &reading, step / 10.0, &verdict) == DGIQA_OK, "the gate takes the reading");
        printf("%.1f %s (%s)\n", step / 10.0, dgiqa_state_name(verdict.state), verdict.reason);
    }
    expect(verdict.state == DGIQA_PASS && strcmp(verdict.reason, "good") == 0, "the last verdict is pass");
    expect(verdict.cue == NULL && verdict.value != verdict.value, "no check decided");
    expect(cues.change > 0.0, "change is measured");
    expect(strstr(dgiqa_gate_policy(gate), "\"readings\": 2") != NULL, "the policy is the given one");
    expect(dgiqa_gate_update(gate, &wrong, 1.0, &verdict) == DGIQA_ERROR_CONFIGURATION, "a score of 2 is refused");
    expect(strlen(dgiqa_version()) > 0 && strchr(dgiqa_build_info(), '{') != NULL, "the library names itself");
    dgiqa_cue_meter_free(meter);
    dgiqa_gate_free(gate);
    return surprises;
}
