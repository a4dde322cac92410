#include "properties.hpp"

#include <gst/gst.h>

#include "dgiqa_edge.h"
#include "formats/limits.hpp"

namespace dgiqa_gst {
namespace {

constexpr GParamFlags flags(unsigned more) {
    return static_cast<GParamFlags>(static_cast<unsigned>(G_PARAM_STATIC_STRINGS) | more);
}

GType enum_type(const char *name, const GEnumValue *values) { return g_enum_register_static(name, values); }

GType mode_type() {
    static const GEnumValue values[] = {
        {kModeDrop, "Drop what is not in the state pass, mark the rest", "drop"},
        {kModePass, "Let every buffer through and mark it", "pass"},
        {kModeMessageOnly, "Let every buffer through as it is, only post messages", "message-only"},
        {0, nullptr, nullptr}};
    static const GType type = enum_type("DgiqaGateMode", values);
    return type;
}

GType messages_type() {
    static const GEnumValue values[] = {{kMessagesAll, "One for every scored buffer", "all"},
                                        {kMessagesChanges, "One when the state changes", "changes"},
                                        {kMessagesNone, "None", "none"},
                                        {0, nullptr, nullptr}};
    static const GType type = enum_type("DgiqaGateMessages", values);
    return type;
}

GType fit_type() {
    static const GEnumValue values[] = {
        {DGIQA_FIT_BUNDLE, "As the bundle says", "bundle"},
        {DGIQA_FIT_STRETCH, "Straight to the bundle's size", "stretch"},
        {DGIQA_FIT_PAD, "The whole picture with its own aspect, mirrored at its edges", "pad"},
        {DGIQA_FIT_CROP, "The middle of the picture with its own aspect", "crop"},
        {0, nullptr, nullptr}};
    static const GType type = enum_type("DgiqaGateFit", values);
    return type;
}

}  // namespace

void install_properties(GObjectClass *element) {
    const GParamFlags before_start = flags(static_cast<unsigned>(G_PARAM_READWRITE) | GST_PARAM_MUTABLE_READY);
    const GParamFlags any_time = flags(static_cast<unsigned>(G_PARAM_READWRITE) | GST_PARAM_MUTABLE_PLAYING);
    const auto install = [element](Property id, GParamSpec *spec) {
        g_object_class_install_property(element, id, spec);
    };
    install(kBundle, g_param_spec_string("bundle", "Bundle", "Folder that build_engine.py wrote; it has to be set",
                                         nullptr, before_start));
    install(kPolicy,
            g_param_spec_string("policy", "Policy", "JSON file of the gate's thresholds (unset: the published)",
                                nullptr, before_start));
    install(kBackend, g_param_spec_string("backend", "Backend", "auto, or one that dgiqa-edge-native info lists", "auto", before_start));
    install(kThreads, g_param_spec_int("threads", "Threads", "Threads of the CPU backend (0: its own choice)", 0,
                                       static_cast<int>(dgiqa::limits::most_threads), 0, before_start));
    install(kFit, g_param_spec_enum("fit", "Fit", "How frames of another shape take the bundle's", fit_type(),
                                    DGIQA_FIT_BUNDLE, before_start));
    install(kMode, g_param_spec_enum("mode", "Mode", "What becomes of buffers", mode_type(), kModeDrop, any_time));
    install(kEvery, g_param_spec_uint("every", "Every", "Score each so-manieth buffer; the others share its verdict", 1,
                                      G_MAXINT, kDefaultEvery, any_time));
    install(kMessages, g_param_spec_enum("messages", "Messages", "Which verdicts are posted on the bus",
                                         messages_type(), kMessagesAll, any_time));
    install(kStats, g_param_spec_boxed("stats", "Statistics", "What became of every buffer since the start",
                                       GST_TYPE_STRUCTURE, flags(static_cast<unsigned>(G_PARAM_READABLE))));
}

}  // namespace dgiqa_gst
