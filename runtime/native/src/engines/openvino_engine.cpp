// OpenVINO: executes the portable graph on the CPU.
#include "engines/portable_graph.hpp"

#ifdef DGIQA_WITH_OPENVINO
#include <openvino/openvino.hpp>

#include "errors.hpp"
#include "formats/whole_file.hpp"
#endif

namespace dgiqa {

extern const Backend openvino_backend;

#ifdef DGIQA_WITH_OPENVINO
namespace {

// OpenVINO's messages have several lines, the first of which name its own source files.
std::string last_line(const std::string &text) {
    std::string line;
    std::size_t start = 0;
    while (start < text.size()) {
        const std::size_t end = std::min(text.find('\n', start), text.size());
        if (text.find_first_not_of(" \t\r", start) < end) line = text.substr(start, end - start);
        start = end + 1;
    }
    return line;
}

std::string version() {
    const std::string build = ov::get_openvino_version().buildNumber;  // "2026.4.1-21234-abcdef"
    return build.substr(0, build.find('-'));
}

std::string dtype_name(const ov::element::Type &type) {
    if (type == ov::element::u8) return "uint8";
    if (type == ov::element::f32) return "float32";
    return type.get_type_name();
}

std::vector<TensorSpec> specs_of(const std::vector<ov::Output<const ov::Node>> &ports) {
    std::vector<TensorSpec> specs;
    for (const auto &port : ports) {
        TensorSpec spec{port.get_any_name(), dtype_name(port.get_element_type()), {}};
        const ov::PartialShape shape = port.get_partial_shape();
        if (shape.rank().is_static())
            for (const ov::Dimension &side : shape) spec.shape.push_back(side.is_static() ? side.get_length() : -1);
        specs.push_back(std::move(spec));
    }
    return specs;
}

// One for the process: it owns the plugins, and engines of several scorers share them.
ov::Core &core() {
    static ov::Core shared;
    return shared;
}

class OpenVinoEngine : public Engine {
public:
    OpenVinoEngine(ov::CompiledModel &&model, const std::string &file, Json &&facts)
        : model_(std::move(model)),
          request_(model_.create_infer_request()),
          inputs_(specs_of(model_.inputs())),
          outputs_(specs_of(model_.outputs())),
          file_(file),
          facts_(std::move(facts)) {}

    const std::vector<TensorSpec> &inputs() const override { return inputs_; }
    const std::vector<TensorSpec> &outputs() const override { return outputs_; }

    void run(const Inputs &inputs, const Outputs &outputs) override {
        try {
            for (std::size_t i = 0; i < inputs_.size(); ++i)
                request_.set_input_tensor(i, over(model_.input(i), const_cast<void *>(inputs.at(inputs_[i].name))));
            for (std::size_t i = 0; i < outputs_.size(); ++i)
                request_.set_output_tensor(i, over(model_.output(i), outputs.at(outputs_[i].name)));
            request_.infer();
        } catch (const ov::Exception &error) {
            throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                        "OpenVINO " + version() + " failed to run " + file_ + ": " + last_line(error.what()));
        }
    }

    Json describe() const override { return facts_; }

private:
    // The caller's memory as a tensor: nothing is copied.
    static ov::Tensor over(const ov::Output<const ov::Node> &port, void *memory) {
        return ov::Tensor(port.get_element_type(), port.get_shape(), memory);
    }

    ov::CompiledModel model_;
    ov::InferRequest request_;
    std::vector<TensorSpec> inputs_, outputs_;
    std::string file_;
    Json facts_;
};

ov::CompiledModel compiled(const Bundle &bundle, const EngineRecord &record, const ov::AnyMap &settings) {
    const std::string form = form_for_processor(bundle, record);
    const auto model = form.empty() ? core().read_model(bundle.file(record.file)) : core().read_model(form, ov::Tensor());
    std::map<std::string, ov::PartialShape> shapes;
    for (const auto &input : model->inputs()) {
        ov::PartialShape shape = input.get_partial_shape();
        if (shape.is_static()) continue;
        shape[0] = 1;  // an open batch, of which one frame is given
        shapes[input.get_any_name()] = shape;
    }
    if (!shapes.empty()) model->reshape(shapes);
    return core().compile_model(model, "CPU", settings);
}

std::unique_ptr<Engine> load(const Bundle &bundle, const EngineRecord &record, const EngineOptions &options) {
    const std::string where = bundle.file(record.file);
    ov::AnyMap settings = {ov::hint::inference_precision(ov::element::f32),
                           ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY)};
    if (options.threads > 0) settings.insert(ov::inference_num_threads(options.threads));
    Json facts = facts_for_cpu(openvino_backend, version(), bundle, record, options);
    try {
        return std::make_unique<OpenVinoEngine>(compiled(bundle, record, settings), record.file, std::move(facts));
    } catch (const FileError &error) {
        throw Error(DGIQA_ERROR_BUNDLE, where + " " + error.what() + ": " + bundle.remedy());
    } catch (const ov::Exception &error) {
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                    "OpenVINO " + version() + " cannot load " + where + ": " + last_line(error.what()));
    }
}

}  // namespace
#else
constexpr Backend::Load load = nullptr;
#endif

const Backend openvino_backend = {"openvino", "OpenVINO", true, load};

}  // namespace dgiqa
