// A Jetson's GStreamer elements as far as our pipelines see them: pictures that claim to lie in device memory, which
// only nvvidconv takes to main memory. They lie in main memory all along. nvarguscamerasrc prints on standard output as
// the real one does: as many bytes before each picture as DGIQA_TEST_PRINTS says, and at least one line at its start.
// The version is that of the real plugin, older than any GStreamer it runs in.
#include <gst/base/gstbasetransform.h>
#include <gst/video/video.h>
#include <stdio.h>
#include <stdlib.h>

#define PACKAGE "dgiqa-edge-tests"
#define DEVICE "memory:NVMM"
#define RAW GST_VIDEO_CAPS_MAKE("{ NV12, I420, BGRx, RGBA, GRAY8, YUY2, UYVY, Y42B }")
#define IN_DEVICE GST_VIDEO_CAPS_MAKE_WITH_FEATURES(DEVICE, "{ NV12, I420, BGRx, RGBA, GRAY8, YUY2, UYVY, Y42B }")

// ---- between the two memories: todevice, fromdevice ----------------------------------------------------------------

typedef struct {
    GstBaseTransform parent;
} Memory;
typedef struct {
    GstBaseTransformClass parent;
    gboolean to_device;
} MemoryClass;

static GstCaps *with_memory(const GstCaps *caps, gboolean device) {
    GstCaps *result = gst_caps_copy(caps);
    for (guint i = 0; i < gst_caps_get_size(result); ++i)
        gst_caps_set_features(result, i, device ? gst_caps_features_new(DEVICE, NULL) : NULL);
    return result;
}

static GstCaps *memory_transform_caps(GstBaseTransform *base, GstPadDirection direction, GstCaps *caps,
                                      GstCaps *filter) {
    const gboolean to_device = ((MemoryClass *)G_OBJECT_GET_CLASS(base))->to_device;
    GstCaps *result = with_memory(caps, (direction == GST_PAD_SINK) == to_device);
    if (!to_device && direction == GST_PAD_SRC) gst_caps_append(result, with_memory(caps, TRUE));
    if (filter == NULL) return result;
    GstCaps *both = gst_caps_intersect_full(filter, result, GST_CAPS_INTERSECT_FIRST);
    gst_caps_unref(result);
    return both;
}

static GstFlowReturn memory_transform_ip(GstBaseTransform *base, GstBuffer *buffer) {
    (void)base, (void)buffer;
    return GST_FLOW_OK;
}

static void memory_class_init(MemoryClass *klass, gpointer to_device) {
    klass->to_device = GPOINTER_TO_INT(to_device);
    klass->parent.transform_caps = memory_transform_caps;
    klass->parent.transform_ip = memory_transform_ip;
    GstCaps *both = gst_caps_from_string(RAW ";" IN_DEVICE);
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    gst_element_class_add_pad_template(element, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, both));
    gst_element_class_add_pad_template(element, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, both));
    gst_caps_unref(both);
    gst_element_class_set_static_metadata(element, "Memory", "Filter", "Claims another memory", PACKAGE);
}

static GType memory_type(const char *name, gboolean to_device) {
    const GTypeInfo info = {.class_size = sizeof(MemoryClass),
                            .class_init = (GClassInitFunc)memory_class_init,
                            .class_data = GINT_TO_POINTER(to_device),
                            .instance_size = sizeof(Memory)};
    return g_type_register_static(GST_TYPE_BASE_TRANSFORM, name, &info, 0);
}

// ---- the elements: bins of real ones around those two --------------------------------------------------------------

typedef struct {
    GstBin parent;
} Element;
typedef struct {
    GstBinClass parent;
    const struct Kind *kind;
} ElementClass;

typedef struct Kind {
    const char *name;
    const char *inside;      // as gst-launch-1.0 takes it
    const char *sink, *src;  // caps; no sink: a source
    const char *const *properties;
    GstRank rank;
} Kind;

static const char *const kCameraProperties[] = {"sensor-id", "num-buffers", NULL};
static const char *const kConverterProperties[] = {"flip-method", "interpolation-method", NULL};
static const char *const kDecoderProperties[] = {"mjpeg", NULL};
static const char *const kNoProperties[] = {NULL};

static const Kind kKinds[] = {
    {"nvarguscamerasrc", "videotestsrc name=camera pattern=smpte ! todevice", NULL, IN_DEVICE, kCameraProperties,
     GST_RANK_NONE},
    {"nvvidconv", "fromdevice ! videoflip name=flip ! videoscale ! videoconvert", RAW ";" IN_DEVICE, RAW,
     kConverterProperties, GST_RANK_NONE},
    {"nvv4l2decoder", "jpegdec ! todevice", "image/jpeg", IN_DEVICE, kDecoderProperties, GST_RANK_PRIMARY + 10},
    {"nvjpegdec", "jpegdec ! todevice", "image/jpeg", IN_DEVICE, kNoProperties, GST_RANK_NONE},
};

static GstPadProbeReturn print(GstPad *pad, GstPadProbeInfo *info, gpointer count) {
    (void)pad, (void)info;
    for (long left = *(long *)count; left > 0; left -= 50) puts("GST_ARGUS: 3280 x 2464 FR = 21.0 fps Analog Gain");
    fflush(stdout);
    return GST_PAD_PROBE_OK;
}

static void element_set(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
    (void)id;
    static const char *const methods[] = {"none",          "counterclockwise",   "rotate-180",
                                          "clockwise",     "horizontal-flip",    "upper-right-diagonal",
                                          "vertical-flip", "upper-left-diagonal"};
    GstElement *camera = gst_bin_get_by_name(GST_BIN(object), "camera");
    GstElement *flip = gst_bin_get_by_name(GST_BIN(object), "flip");
    if (camera != NULL && g_str_equal(spec->name, "num-buffers"))
        g_object_set(camera, "num-buffers", g_value_get_int(value), NULL);
    if (flip != NULL && g_str_equal(spec->name, "flip-method"))
        gst_util_set_object_arg(G_OBJECT(flip), "method", methods[g_value_get_int(value) & 7]);
    if (camera != NULL) gst_object_unref(camera);
    if (flip != NULL) gst_object_unref(flip);
}

static void element_init(Element *self, ElementClass *klass) {
    const Kind *kind = klass->kind;
    GstElement *inside = gst_parse_bin_from_description(kind->inside, TRUE, NULL);
    gst_bin_add(GST_BIN(self), inside);
    for (GList *item = inside->pads; item != NULL; item = item->next) {
        GstPad *pad = GST_PAD(item->data);
        gst_element_add_pad(GST_ELEMENT(self), gst_ghost_pad_new(GST_PAD_IS_SRC(pad) ? "src" : "sink", pad));
    }
    if (kind->sink != NULL) return;
    static long prints;
    const char *asked = getenv("DGIQA_TEST_PRINTS");
    prints = asked != NULL ? atol(asked) : 0;
    puts("GST_ARGUS: Creating output stream");
    fflush(stdout);
    GstPad *pad = gst_element_get_static_pad(inside, "src");
    gst_pad_add_probe(pad, GST_PAD_PROBE_TYPE_BUFFER, print, &prints, NULL);
    gst_object_unref(pad);
}

static void add_template(GstElementClass *klass, const char *name, GstPadDirection direction, const char *text) {
    GstCaps *caps = gst_caps_from_string(text);
    gst_element_class_add_pad_template(klass, gst_pad_template_new(name, direction, GST_PAD_ALWAYS, caps));
    gst_caps_unref(caps);
}

static void element_class_init(ElementClass *klass, gpointer data) {
    const Kind *kind = klass->kind = data;
    GstElementClass *element = GST_ELEMENT_CLASS(klass);
    G_OBJECT_CLASS(klass)->set_property = element_set;
    for (guint i = 0; kind->properties[i] != NULL; ++i)
        g_object_class_install_property(G_OBJECT_CLASS(klass), i + 1,
                                        g_param_spec_int(kind->properties[i], kind->properties[i], "", -1, G_MAXINT, 0,
                                                         G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS));
    if (kind->sink != NULL) add_template(element, "sink", GST_PAD_SINK, kind->sink);
    add_template(element, "src", GST_PAD_SRC, kind->src);
    const gboolean decodes = kind->sink != NULL && g_str_has_prefix(kind->sink, "image/");
    gst_element_class_set_static_metadata(element, kind->name, decodes ? "Codec/Decoder/Image" : "Generic", "Stand-in",
                                          PACKAGE);
}

static gboolean plugin_init(GstPlugin *plugin) {
    if (!gst_element_register(plugin, "todevice", GST_RANK_NONE, memory_type("TestToDevice", TRUE)) ||
        !gst_element_register(plugin, "fromdevice", GST_RANK_NONE, memory_type("TestFromDevice", FALSE)))
        return FALSE;
    for (guint i = 0; i < G_N_ELEMENTS(kKinds); ++i) {
        const GTypeInfo info = {.class_size = sizeof(ElementClass),
                                .class_init = (GClassInitFunc)element_class_init,
                                .class_data = &kKinds[i],
                                .instance_size = sizeof(Element),
                                .instance_init = (GInstanceInitFunc)element_init};
        gchar *type_name = g_strdup_printf("Test_%s", kKinds[i].name);
        const GType type = g_type_register_static(GST_TYPE_BIN, type_name, &info, 0);
        g_free(type_name);
        if (!gst_element_register(plugin, kKinds[i].name, kKinds[i].rank, type)) return FALSE;
    }
    return TRUE;
}

GST_PLUGIN_DEFINE(GST_VERSION_MAJOR, GST_VERSION_MINOR, jetsonelements, "Stand-ins of a Jetson's elements", plugin_init,
                  "1.0.0", "Apache 2.0", PACKAGE, PACKAGE)
