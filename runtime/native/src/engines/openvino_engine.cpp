#include "engines/openvino_engine.hpp"

#include <openvino/openvino.hpp>

#include "engines/processor.hpp"
#include "engines/version_requirement.hpp"
#include "errors.hpp"

namespace dgiqa {
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

}  // namespace

std::unique_ptr<Engine> load_openvino(const Bundle &bundle, const EngineRecord &record, const EngineOptions &options) {
    const std::string where = bundle.file(record.file);
    if (!satisfies(version(), record.requires_.backend_version))
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY, where + " needs OpenVINO " + *record.requires_.backend_version +
                                                          ", this library has " + version() + ": install that");
    ov::AnyMap settings = {ov::hint::inference_precision(ov::element::f32),
                           ov::hint::performance_mode(ov::hint::PerformanceMode::LATENCY)};
    if (options.threads > 0) settings.insert(ov::inference_num_threads(options.threads));
    Json facts = {{"role", record.role},
                  {"sha256", bundle.manifest.files.at(record.file).sha256},
                  {"backend", "openvino"},
                  {"backend_version", version()},
                  {"device", processor().model},
                  {"device_features", processor().features_digest},
                  {"threads", options.threads > 0 ? Json(options.threads) : Json(nullptr)}};
    try {
        return std::make_unique<OpenVinoEngine>(core().compile_model(where, "CPU", settings), record.file,
                                                std::move(facts));
    } catch (const ov::Exception &error) {
        throw Error(DGIQA_ERROR_ENGINE_COMPATIBILITY,
                    "OpenVINO " + version() + " cannot load " + where + ": " + last_line(error.what()));
    }
}

}  // namespace dgiqa
