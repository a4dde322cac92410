// What the element tells the outside: verdicts and statistics as GstStructures, and the metadata on buffers.
#pragma once

#include <gst/gst.h>

#include "session.hpp"

namespace dgiqa_gst {

// Name of the custom metadata (GStreamer 1.20 and later), and of the messages on the bus.
extern const char kMetaName[];     // "DgiqaQualityMeta"
extern const char kVerdictName[];  // "dgiqa-verdict"
extern const char kStatsName[];    // "dgiqa-stats"

// Fields: state, reason, cue, value, threshold, score, smoothed, changed, overdue, announced, buffer (its number from
// 0), t (seconds), timestamp (PTS). Numbers that the verdict does not have are absent. The caller frees it.
GstStructure *verdict_structure(const Decision &decision, guint64 buffer, double t_s, GstClockTime pts);

// Every field of Counts, and the means over scored buffers. The caller frees it.
GstStructure *stats_structure(const Counts &counts, const Decision &decision);

// Once per process, before buffers are marked.
void register_meta();

// State, reason, score, smoothed, and whether this very buffer was scored. Does nothing before GStreamer 1.20.
void mark_buffer(GstBuffer *buffer, const Decision &decision, bool scored);

}  // namespace dgiqa_gst
