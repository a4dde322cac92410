// The element dgiqagate: judges raw video in place and drops or marks what the gate does not let pass.
#pragma once

#include <gst/base/gstbasetransform.h>

G_BEGIN_DECLS

#define DGIQA_TYPE_GATE (dgiqa_gate_element_get_type())
G_DECLARE_FINAL_TYPE(DgiqaGateElement, dgiqa_gate_element, DGIQA, GATE_ELEMENT, GstBaseTransform)

G_END_DECLS
