// The plugin that GStreamer loads: one element, dgiqagate.
#include <gst/gst.h>

#include "dgiqagate.h"

#define PACKAGE "dgiqa-edge"

static gboolean plugin_init(GstPlugin *plugin) {
    return gst_element_register(plugin, "dgiqagate", GST_RANK_NONE, DGIQA_TYPE_GATE);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dgiqa, "Image quality gate for video", plugin_init,
                  DGIQA_EDGE_VERSION, "Apache 2.0", "dgiqa-edge", "dgiqa-edge")
