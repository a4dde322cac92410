#include "formats/tensor_file.hpp"

#include "formats/strict_json.hpp"
#include "formats/whole_file.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t LENGTH_BYTES = 8, LARGEST_HEADER = std::size_t{1} << 16;

std::size_t header_bytes(const std::vector<std::uint8_t> &file) {
    std::uint64_t length = 0;
    for (std::size_t i = 0; i < LENGTH_BYTES && i < file.size(); ++i) length |= std::uint64_t{file[i]} << (8 * i);
    if (file.size() < LENGTH_BYTES || length > file.size() - LENGTH_BYTES)
        throw TensorFileError("its header is cut off");
    return static_cast<std::size_t>(length);
}

Tensor tensor_of(const Json &entry, const std::uint8_t *data, std::size_t data_bytes) {
    const auto offsets = entry.at("data_offsets").get<std::vector<std::size_t>>();
    if (offsets.size() != 2 || offsets[0] > offsets[1] || offsets[1] > data_bytes)
        throw TensorFileError("its header points outside the file");
    return {entry.at("dtype").get<std::string>(),
            entry.at("shape").get<std::vector<std::size_t>>(),
            {data + offsets[0], data + offsets[1]}};
}

}  // namespace

std::map<std::string, Tensor> read_tensors(const std::string &path, std::size_t most_bytes) {
    try {
        const std::vector<std::uint8_t> file = whole_file(path, LENGTH_BYTES + LARGEST_HEADER + most_bytes);
        const std::size_t start = LENGTH_BYTES + header_bytes(file);
        const std::string header(file.begin() + LENGTH_BYTES, file.begin() + static_cast<std::ptrdiff_t>(start));
        const Json entries = parse_strictly(header);
        std::map<std::string, Tensor> found;
        for (const auto &[name, entry] : entries.items())
            if (name != "__metadata__") found[name] = tensor_of(entry, file.data() + start, file.size() - start);
        return found;
    } catch (const FileError &error) {
        throw TensorFileError(std::string("it ") + error.what());
    } catch (const JsonError &error) {
        throw TensorFileError(std::string("its header is not JSON: ") + error.what());
    } catch (const Json::exception &) {
        throw TensorFileError("its header does not describe arrays");
    }
}

}  // namespace dgiqa
