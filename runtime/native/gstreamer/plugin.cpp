// The plugin that GStreamer loads: one element, dgiqagate.
#include <gst/gst.h>

#include "dgiqagate.h"

#define PACKAGE "dgiqa-edge"

static gboolean plugin_init(GstPlugin *plugin) {
    return gst_element_register(plugin, "dgiqagate", GST_RANK_NONE, DGIQA_TYPE_GATE);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dgiqa, "Image quality gate for video", plugin_init,
                  DGIQA_EDGE_VERSION, DGIQA_EDGE_GST_LICENSE, "dgiqa-edge", "https://github.com/dgiqa-edge/dgiqa-edge")
