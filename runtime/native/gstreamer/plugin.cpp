// The plugin that GStreamer loads: one element, dgiqagate.
#include <gst/gst.h>

#include "dgiqagate.h"
#include "nvmm.hpp"

#define PACKAGE "dgiqa-edge"

static gboolean plugin_init(GstPlugin *plugin) {
    // The element's caps depend on whether it is there: GStreamer looks anew when that changes.
    gst_plugin_add_dependency_simple(plugin, "LD_LIBRARY_PATH", DGIQA_GST_NVMM_FOLDERS, DGIQA_GST_NVMM_LIBRARIES,
                                     GST_PLUGIN_DEPENDENCY_FLAG_NONE);
    return gst_element_register(plugin, "dgiqagate", GST_RANK_NONE, DGIQA_TYPE_GATE);
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, dgiqa, "Image quality gate for video", plugin_init,
                  DGIQA_EDGE_VERSION, "Apache 2.0", "dgiqa-edge", "dgiqa-edge")
