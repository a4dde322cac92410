#include "engines/signed_weights.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace dgiqa {
namespace {

// Numbers of fields in onnx.proto; wire types of protobuf.
enum Model { kGraph = 7 };
enum Graph { kNode = 1, kInitializer = 5 };
enum NodeField { kInput = 1, kOperator = 4 };
enum TensorField { kDataType = 2, kName = 8, kRawData = 9, kLocation = 14 };
enum WireType { kVarint = 0, kFixed64 = 1, kLengthDelimited = 2, kFixed32 = 5 };
constexpr char kUint8 = 2, kInt8 = 3;  // TensorProto.DataType
constexpr char kCenter = '\x80';

struct Field {
    std::uint64_t number;
    std::string_view value;  // of a number: the bytes that write it
};

// The fields of a message, one after the other; nothing after the first that is not whole, and `whole` says so.
class Fields {
public:
    explicit Fields(std::string_view message) : rest_(message) {}

    std::optional<Field> next() {
        if (rest_.empty() || !whole) return {};
        const std::optional<std::uint64_t> tag = number();
        std::size_t length = 0;
        switch (tag ? *tag & 7 : 7) {
            case kVarint: {
                const std::string_view before = rest_;
                if (number()) return Field{*tag >> 3, before.substr(0, before.size() - rest_.size())};
                break;
            }
            case kFixed64: length = 8; break;
            case kFixed32: length = 4; break;
            case kLengthDelimited:
                if (const auto given = number()) {
                    whole = *given <= rest_.size();
                    length = whole ? static_cast<std::size_t>(*given) : 0;
                    break;
                }
                [[fallthrough]];
            default: whole = false;
        }
        whole = whole && length <= rest_.size() && tag;
        if (!whole) return {};
        const std::string_view value = rest_.substr(0, length);
        rest_.remove_prefix(length);
        return Field{*tag >> 3, value};
    }

    bool whole = true;

private:
    // Seven bits a byte, the lowest first.
    std::optional<std::uint64_t> number() {
        std::uint64_t value = 0;
        for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
            const auto byte = static_cast<unsigned char>(rest_.front());
            rest_.remove_prefix(1);
            value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
            if (byte < 0x80) return value;
        }
        whole = false;
        return {};
    }

    std::string_view rest_;
};

struct Tensor {
    std::string_view name, data_type, values;
    bool elsewhere = false;  // its values are in a file beside the graph
};

struct Node {
    std::string_view op;
    std::vector<std::string_view> inputs;
};

Tensor tensor_of(std::string_view message, bool &whole) {
    Tensor tensor;
    Fields fields(message);
    while (const auto field = fields.next()) {
        if (field->number == kName) tensor.name = field->value;
        if (field->number == kDataType) tensor.data_type = field->value;
        if (field->number == kRawData) tensor.values = field->value;
        if (field->number == kLocation) tensor.elsewhere = true;
    }
    whole = whole && fields.whole;
    return tensor;
}

Node node_of(std::string_view message, bool &whole) {
    Node node;
    Fields fields(message);
    while (const auto field = fields.next()) {
        if (field->number == kInput) node.inputs.push_back(field->value);
        if (field->number == kOperator) node.op = field->value;
    }
    whole = whole && fields.whole;
    return node;
}

struct Contents {
    std::vector<Node> nodes;
    std::map<std::string_view, Tensor> tensors;
    std::map<std::string_view, int> readers;
    bool usable = true;  // read to the end, and found by its bytes alone
};

Contents contents_of(std::string_view file) {
    Contents found;
    Fields model(file);
    while (const auto part = model.next()) {
        if (part->number != kGraph) continue;
        Fields graph(part->value);
        while (const auto field = graph.next()) {
            if (field->number == kNode) {
                found.nodes.push_back(node_of(field->value, found.usable));
                for (const std::string_view name : found.nodes.back().inputs) ++found.readers[name];
            } else if (field->number == kInitializer) {
                const Tensor tensor = tensor_of(field->value, found.usable);
                found.tensors[tensor.name] = tensor;
                found.usable = found.usable && !tensor.elsewhere;
            }
        }
        found.usable = found.usable && graph.whole;
    }
    found.usable = found.usable && model.whole;
    return found;
}

bool is_unsigned(const Tensor &tensor) {
    return tensor.data_type == std::string_view(&kUint8, 1) && !tensor.values.empty();
}

std::vector<Tensor> weights_and_centers(const Contents &contents) {
    std::vector<Tensor> chosen;
    for (const Node &node : contents.nodes) {
        if (node.op != "DequantizeLinear" || node.inputs.size() != 3) continue;
        const auto values = contents.tensors.find(node.inputs[0]), center = contents.tensors.find(node.inputs[2]);
        if (values == contents.tensors.end() || center == contents.tensors.end()) continue;
        if (contents.readers.at(node.inputs[0]) != 1 || contents.readers.at(node.inputs[2]) != 1) continue;
        const std::string_view centers = center->second.values;
        if (is_unsigned(values->second) && is_unsigned(center->second) &&
            std::all_of(centers.begin(), centers.end(), [](char value) { return value == kCenter; })) {
            chosen.push_back(values->second);
            chosen.push_back(center->second);
        }
    }
    return chosen;
}

}  // namespace

bool sign_weights(std::string &graph) {
    const Contents contents = contents_of(graph);
    const std::vector<Tensor> chosen = contents.usable ? weights_and_centers(contents) : std::vector<Tensor>();
    for (const Tensor &tensor : chosen) {
        graph[static_cast<std::size_t>(tensor.data_type.data() - graph.data())] = kInt8;
        const auto first = graph.begin() + (tensor.values.data() - graph.data());
        std::for_each(first, first + static_cast<std::ptrdiff_t>(tensor.values.size()),
                      [](char &value) { value = static_cast<char>(value ^ kCenter); });
    }
    return !chosen.empty();
}

}  // namespace dgiqa
