#include "structures.hpp"

#include <cmath>

namespace dgiqa_gst {

const char kMetaName[] = "DgiqaQualityMeta";
const char kVerdictName[] = "dgiqa-verdict";
const char kStatsName[] = "dgiqa-stats";

namespace {

void set_number(GstStructure *structure, const char *name, double value) {
    if (!std::isnan(value)) gst_structure_set(structure, name, G_TYPE_DOUBLE, value, nullptr);
}

}  // namespace

GstStructure *verdict_structure(const Decision &decision, guint64 buffer, double t_s, GstClockTime pts) {
    GstStructure *structure =
        gst_structure_new(kVerdictName, "state", G_TYPE_STRING, dgiqa_state_name(decision.state), "reason",
                          G_TYPE_STRING, decision.reason.c_str(), "changed", G_TYPE_BOOLEAN, decision.changed,
                          "overdue", G_TYPE_BOOLEAN, decision.overdue, "announced", G_TYPE_BOOLEAN, decision.announced,
                          "buffer", G_TYPE_UINT64, buffer, "t", G_TYPE_DOUBLE, t_s, "timestamp", G_TYPE_UINT64,
                          static_cast<guint64>(pts), nullptr);
    if (!decision.cue.empty()) gst_structure_set(structure, "cue", G_TYPE_STRING, decision.cue.c_str(), nullptr);
    if (!decision.runner_up.empty())
        gst_structure_set(structure, "runner-up", G_TYPE_STRING, decision.runner_up.c_str(), nullptr);
    set_number(structure, "value", decision.value);
    set_number(structure, "threshold", decision.threshold);
    set_number(structure, "score", decision.score);
    set_number(structure, "smoothed", decision.smoothed);
    return structure;
}

GstStructure *stats_structure(const Counts &counts, const Decision &decision) {
    const double scored = counts.scored > 0 ? static_cast<double>(counts.scored) : 1.0;
    return gst_structure_new(
        kStatsName, "buffers", G_TYPE_UINT64, counts.buffers, "scored", G_TYPE_UINT64, counts.scored, "skipped",
        G_TYPE_UINT64, counts.skipped, "failed", G_TYPE_UINT64, counts.failed, "passed", G_TYPE_UINT64, counts.passed,
        "dropped", G_TYPE_UINT64, counts.dropped, "verdicts-pass", G_TYPE_UINT64, counts.states[DGIQA_PASS],
        "verdicts-reject", G_TYPE_UINT64, counts.states[DGIQA_REJECT], "verdicts-unknown", G_TYPE_UINT64,
        counts.states[DGIQA_UNKNOWN], "caps-changes", G_TYPE_UINT64, counts.caps_changes, "mean-engine-ms",
        G_TYPE_DOUBLE, counts.engine_ms / scored, "mean-total-ms", G_TYPE_DOUBLE, counts.total_ms / scored, "state",
        G_TYPE_STRING, dgiqa_state_name(decision.state), "reason", G_TYPE_STRING, decision.reason.c_str(), nullptr);
}

#if GST_CHECK_VERSION(1, 20, 0)

void register_meta() {
    static const gchar *tags[] = {nullptr};  // no tags: it stays on copies and through elements that change pixels
    gst_meta_register_custom(kMetaName, tags, nullptr, nullptr, nullptr);
}

void mark_buffer(GstBuffer *buffer, const Decision &decision, bool scored) {
    GstCustomMeta *meta = gst_buffer_get_custom_meta(buffer, kMetaName);
    if (meta == nullptr) meta = gst_buffer_add_custom_meta(buffer, kMetaName);
    GstStructure *structure = gst_custom_meta_get_structure(meta);
    gst_structure_set(structure, "state", G_TYPE_STRING, dgiqa_state_name(decision.state), "reason", G_TYPE_STRING,
                      decision.reason.c_str(), "scored", G_TYPE_BOOLEAN, scored, nullptr);
    set_number(structure, "score", decision.score);
    set_number(structure, "smoothed", decision.smoothed);
}

#else

void register_meta() {}
void mark_buffer(GstBuffer *, const Decision &, bool) {}

#endif

}  // namespace dgiqa_gst
