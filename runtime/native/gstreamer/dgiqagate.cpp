#include "dgiqagate.h"

#include <gst/video/video.h>

#include <memory>
#include <string>

#include "buffer_frame.hpp"
#include "frame_caps.hpp"
#include "nvmm.hpp"
#include "properties.hpp"
#include "session.hpp"
#include "structures.hpp"

GST_DEBUG_CATEGORY_STATIC(dgiqa_gate_debug);
#define GST_CAT_DEFAULT dgiqa_gate_debug

using dgiqa_gst::Counts;
using dgiqa_gst::Decision;
using dgiqa_gst::Session;
using dgiqa_gst::Settings;

namespace {

// What only the streaming thread and start and stop touch.
struct Running {
    std::unique_ptr<Session> session;
    GstVideoInfo info;
    bool has_info = false;
    bool in_device = false;  // the caps say memory:NVMM
    bool warned = false;  // of frames that cannot be used, since the last caps
};

// What properties show and set; under the object's lock.
struct Shared {
    Settings settings;
    int mode = dgiqa_gst::kModeDrop;
    unsigned every = dgiqa_gst::kDefaultEvery;
    int messages = dgiqa_gst::kMessagesAll;
    Counts counts;
    Decision decision;
};

}  // namespace

struct _DgiqaGateElement {
    GstBaseTransform parent;
    Running *running;
    Shared *shared;
};

G_DEFINE_TYPE(DgiqaGateElement, dgiqa_gate_element, GST_TYPE_BASE_TRANSFORM)

namespace {

class Locked {
public:
    explicit Locked(DgiqaGateElement *element) : element_(element) { GST_OBJECT_LOCK(element_); }
    ~Locked() { GST_OBJECT_UNLOCK(element_); }
    Locked(const Locked &) = delete;
    Locked &operator=(const Locked &) = delete;
    Shared *operator->() const { return element_->shared; }

private:
    DgiqaGateElement *element_;
};

std::string text_of(const GValue *value) {
    const char *text = g_value_get_string(value);
    return text != nullptr ? text : "";
}

void set_property(GObject *object, guint id, const GValue *value, GParamSpec *spec) {
    const Locked shared(DGIQA_GATE_ELEMENT(object));
    switch (id) {
        case dgiqa_gst::kBundle:
            shared->settings.bundle = text_of(value);
            break;
        case dgiqa_gst::kPolicy:
            shared->settings.policy = text_of(value);
            break;
        case dgiqa_gst::kBackend:
            shared->settings.backend = text_of(value);
            break;
        case dgiqa_gst::kThreads:
            shared->settings.threads = g_value_get_int(value);
            break;
        case dgiqa_gst::kFit:
            shared->settings.fit = static_cast<dgiqa_fit>(g_value_get_enum(value));
            break;
        case dgiqa_gst::kMode:
            shared->mode = g_value_get_enum(value);
            break;
        case dgiqa_gst::kEvery:
            shared->every = g_value_get_uint(value);
            break;
        case dgiqa_gst::kMessages:
            shared->messages = g_value_get_enum(value);
            break;
        default:
            G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

void get_property(GObject *object, guint id, GValue *value, GParamSpec *spec) {
    const Locked shared(DGIQA_GATE_ELEMENT(object));
    switch (id) {
        case dgiqa_gst::kBundle:
            g_value_set_string(value, shared->settings.bundle.c_str());
            break;
        case dgiqa_gst::kPolicy:
            g_value_set_string(value, shared->settings.policy.c_str());
            break;
        case dgiqa_gst::kBackend:
            g_value_set_string(value, shared->settings.backend.c_str());
            break;
        case dgiqa_gst::kThreads:
            g_value_set_int(value, shared->settings.threads);
            break;
        case dgiqa_gst::kFit:
            g_value_set_enum(value, shared->settings.fit);
            break;
        case dgiqa_gst::kMode:
            g_value_set_enum(value, shared->mode);
            break;
        case dgiqa_gst::kEvery:
            g_value_set_uint(value, shared->every);
            break;
        case dgiqa_gst::kMessages:
            g_value_set_enum(value, shared->messages);
            break;
        case dgiqa_gst::kStats:
            g_value_take_boxed(value, dgiqa_gst::stats_structure(shared->counts, shared->decision));
            break;
        default:
            G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, spec);
    }
}

gboolean start(GstBaseTransform *base) {
    DgiqaGateElement *self = DGIQA_GATE_ELEMENT(base);
    Settings settings;
    {
        const Locked shared(self);
        settings = shared->settings;
        shared->counts = Counts();
        shared->decision = Decision();
    }
    *self->running = Running();
    if (settings.bundle.empty()) {
        GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS, ("The property bundle is not set: give the bundle's folder."),
                          (nullptr));
        return FALSE;
    }
    dgiqa_status status = DGIQA_OK;
    std::string failure;
    self->running->session = Session::open(settings, &status, &failure);
    if (self->running->session != nullptr) return TRUE;
    if (status == DGIQA_ERROR_CONFIGURATION)
        GST_ELEMENT_ERROR(self, LIBRARY, SETTINGS, ("%s", failure.c_str()), (nullptr));
    else if (status == DGIQA_ERROR_BUNDLE)
        GST_ELEMENT_ERROR(self, RESOURCE, OPEN_READ, ("%s", failure.c_str()), (nullptr));
    else
        GST_ELEMENT_ERROR(self, LIBRARY, INIT, ("%s", failure.c_str()), (nullptr));
    return FALSE;
}

gboolean stop(GstBaseTransform *base) {
    *DGIQA_GATE_ELEMENT(base)->running = Running();  // the counts stay readable until the next start
    return TRUE;
}

gboolean set_caps(GstBaseTransform *base, GstCaps *caps, GstCaps *) {
    DgiqaGateElement *self = DGIQA_GATE_ELEMENT(base);
    GstVideoInfo info;
    dgiqa_pixel_format format;
    if (!gst_video_info_from_caps(&info, caps) || !dgiqa_gst::pixel_format_of(GST_VIDEO_INFO_FORMAT(&info), &format)) {
        GST_ERROR_OBJECT(self, "caps that cannot be taken: %" GST_PTR_FORMAT, caps);
        return FALSE;
    }
    if (const auto flaw = dgiqa_gst::caps_flaw(info)) {
        GST_ELEMENT_ERROR(self, STREAM, FORMAT, ("%s", flaw->c_str()), (nullptr));
        return FALSE;
    }
    if (self->running->has_info) ++Locked(self)->counts.caps_changes;
    self->running->info = info;
    self->running->has_info = true;
    self->running->in_device = gst_caps_features_contains(gst_caps_get_features(caps, 0), DGIQA_GST_NVMM);
    self->running->warned = false;
    return TRUE;
}

// Seconds from the start of the stream: its running time, or a frame after the last one where a buffer has no time.
double seconds_of(DgiqaGateElement *self, GstBuffer *buffer) {
    Session &session = *self->running->session;
    const GstSegment &segment = self->parent.segment;
    if (GST_BUFFER_PTS_IS_VALID(buffer) && segment.format == GST_FORMAT_TIME) {
        const GstClockTime time = gst_segment_to_running_time(&segment, GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
        if (GST_CLOCK_TIME_IS_VALID(time)) return session.steady(static_cast<double>(time) / GST_SECOND);
    }
    const GstVideoInfo &info = self->running->info;
    const double fps = info.fps_n > 0 && info.fps_d > 0 ? static_cast<double>(info.fps_n) / info.fps_d : 25.0;
    return session.later(1.0 / fps);
}

void warn_once(DgiqaGateElement *self, const char *message) {
    if (self->running->warned) return;
    self->running->warned = true;
    GST_ELEMENT_WARNING(self, STREAM, FORMAT, ("%s", message),
                        ("told once for these caps; they are counted as failed"));
}

// Judges one buffer. False: a failure that ends the stream, told on the bus.
bool judge(DgiqaGateElement *self, GstBuffer *buffer, double t_s, Counts *counts) {
    Session &session = *self->running->session;
    dgiqa_status status = DGIQA_ERROR_SOURCE;
    {
        const dgiqa_gst::BufferFrame picture(buffer, self->running->info, self->running->in_device);
        if (picture.flaw().empty()) status = session.judge(picture.frame(), t_s, counts);
        if (status == DGIQA_ERROR_SOURCE)
            warn_once(self, picture.flaw().empty() ? dgiqa_last_error() : picture.flaw().c_str());
    }
    if (status == DGIQA_OK || status == DGIQA_ERROR_GATE) {
        ++counts->scored;
    } else if (status == DGIQA_ERROR_SOURCE) {
        ++counts->failed;
        status = session.no_signal(t_s);
    }
    if (status == DGIQA_ERROR_GATE) {
        GST_WARNING_OBJECT(self, "%s", dgiqa_last_error());
    } else if (status != DGIQA_OK) {
        GST_ELEMENT_ERROR(self, STREAM, FAILED, ("%s", dgiqa_last_error()), (nullptr));
        return false;
    }
    ++counts->states[session.decision().state];
    return true;
}

GstFlowReturn transform_ip(GstBaseTransform *base, GstBuffer *buffer) {
    DgiqaGateElement *self = DGIQA_GATE_ELEMENT(base);
    Session &session = *self->running->session;
    Counts counts;
    int mode = 0, messages = 0;
    unsigned every = 1;
    {
        const Locked shared(self);
        counts = shared->counts;
        mode = shared->mode;
        every = shared->every;
        messages = shared->messages;
    }
    const guint64 number = counts.buffers++;
    const double t_s = seconds_of(self, buffer);
    const bool judged = number % every == 0;
    const bool usable = !judged || judge(self, buffer, t_s, &counts);
    if (!judged) ++counts.skipped;
    if (!usable) ++counts.failed;
    const Decision &decision = session.decision();
    const bool drops = !usable || (mode == dgiqa_gst::kModeDrop && decision.state != DGIQA_PASS);
    ++(drops ? counts.dropped : counts.passed);
    {
        const Locked shared(self);
        shared->counts = counts;
        shared->decision = decision;
    }
    if (!usable) return GST_FLOW_ERROR;
    if (judged &&
        (messages == dgiqa_gst::kMessagesAll ||
         (messages == dgiqa_gst::kMessagesChanges && (decision.changed || decision.announced))))
        gst_element_post_message(
            GST_ELEMENT(self),
            gst_message_new_element(GST_OBJECT(self),
                                    dgiqa_gst::verdict_structure(decision, number, t_s, GST_BUFFER_PTS(buffer))));
    if (drops) return GST_BASE_TRANSFORM_FLOW_DROPPED;
    if (mode != dgiqa_gst::kModeMessageOnly) dgiqa_gst::mark_buffer(buffer, decision, judged);
    return GST_FLOW_OK;
}

// Buffers that others hold too get a header of their own for the metadata; their pixels are shared, never copied. A
// descriptor of device memory may not be shared, so that it would be copied alone, and the pixels would go back to their
// pool beneath it: it is held together with its first buffer.
GstFlowReturn prepare_output_buffer(GstBaseTransform *base, GstBuffer *input, GstBuffer **output) {
    if (gst_buffer_is_writable(input)) {
        *output = input;
    } else if (!DGIQA_GATE_ELEMENT(base)->running->in_device) {
        *output = gst_buffer_copy(input);
    } else {
        *output = gst_buffer_new();
        for (guint i = 0; i < gst_buffer_n_memory(input); ++i)
            gst_buffer_append_memory(*output, gst_memory_ref(gst_buffer_peek_memory(input, i)));
        gst_buffer_copy_into(*output, input, GST_BUFFER_COPY_METADATA, 0, static_cast<gsize>(-1));
        gst_buffer_add_parent_buffer_meta(*output, input);
    }
    return GST_FLOW_OK;
}

gboolean sink_event(GstBaseTransform *base, GstEvent *event) {
    DgiqaGateElement *self = DGIQA_GATE_ELEMENT(base);
    if (GST_EVENT_TYPE(event) == GST_EVENT_EOS) {
        GstStructure *stats = nullptr;
        {
            const Locked shared(self);
            stats = dgiqa_gst::stats_structure(shared->counts, shared->decision);
        }
        gst_element_post_message(GST_ELEMENT(self), gst_message_new_element(GST_OBJECT(self), stats));
    }
    return GST_BASE_TRANSFORM_CLASS(dgiqa_gate_element_parent_class)->sink_event(base, event);
}

void finalize(GObject *object) {
    DgiqaGateElement *self = DGIQA_GATE_ELEMENT(object);
    delete self->running;
    delete self->shared;
    G_OBJECT_CLASS(dgiqa_gate_element_parent_class)->finalize(object);
}

// Device memory is offered only where its library is.
void add_pad_templates(GstElementClass *klass) {
    GstCaps *caps = gst_caps_from_string(GST_VIDEO_CAPS_MAKE(DGIQA_GST_FORMATS));
    if (dgiqa_gst::nvmm_here())
        gst_caps_append(caps, gst_caps_from_string(GST_VIDEO_CAPS_MAKE_WITH_FEATURES(DGIQA_GST_NVMM,
                                                                                     DGIQA_GST_NVMM_FORMATS)));
    gst_element_class_add_pad_template(klass, gst_pad_template_new("sink", GST_PAD_SINK, GST_PAD_ALWAYS, caps));
    gst_element_class_add_pad_template(klass, gst_pad_template_new("src", GST_PAD_SRC, GST_PAD_ALWAYS, caps));
    gst_caps_unref(caps);
}

}  // namespace

static void dgiqa_gate_element_init(DgiqaGateElement *self) {
    self->running = new Running();
    self->shared = new Shared();
    gst_base_transform_set_in_place(GST_BASE_TRANSFORM(self), TRUE);
}

static void dgiqa_gate_element_class_init(DgiqaGateElementClass *klass) {
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GstElementClass *element_class = GST_ELEMENT_CLASS(klass);
    GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS(klass);
    GST_DEBUG_CATEGORY_INIT(dgiqa_gate_debug, "dgiqagate", 0, "image quality gate");
    dgiqa_gst::register_meta();
    object_class->set_property = set_property;
    object_class->get_property = get_property;
    object_class->finalize = finalize;
    dgiqa_gst::install_properties(object_class);
    gst_element_class_set_static_metadata(element_class, "Image quality gate", "Filter/Analyzer/Video",
                                          "Scores video by depth-guided image quality and drops or marks bad frames",
                                          "dgiqa-edge");
    add_pad_templates(element_class);
    transform_class->start = start;
    transform_class->stop = stop;
    transform_class->set_caps = set_caps;
    transform_class->transform_ip = transform_ip;
    transform_class->prepare_output_buffer = prepare_output_buffer;
    transform_class->sink_event = sink_event;
}
