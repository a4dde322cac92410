#include "reference/reference_json.hpp"

#include <nlohmann/json.hpp>
#include <tuple>

#include "errors.hpp"
#include "formats/limits.hpp"
#include "settings/json_text.hpp"

namespace dgiqa {
namespace {

using nlohmann::json;

constexpr int VERSION = 1;
const char *const KIND = "dgiqa-edge reference view";
constexpr int MOST_FRAMES = 1000000;
constexpr int LONGEST_SIDE = static_cast<int>(limits::longest_side);

bool within(const json &value, int low, int high) {
    return value.is_number_integer() && value >= low && value <= high;
}

int whole(const json &document, const char *name, int low, int high) {
    const json value = document.value(name, json());
    if (!within(value, low, high)) {
        damaged(std::string(name) + " is no whole number from " + std::to_string(low) + " to " + std::to_string(high));
    }
    return value.get<int>();
}

// The numbers of lists in lists of exactly this shape; false where they are not.
bool flatten(const json &value, const std::vector<int> &shape, std::size_t depth, std::vector<int> &found) {
    if (depth == shape.size()) {
        if (!within(value, 0, MOST_CELL_LEVEL)) {
            return false;
        }
        found.push_back(value.get<int>());
        return true;
    }
    if (!value.is_array() || value.size() != static_cast<std::size_t>(shape[depth])) {
        return false;
    }
    for (const json &part : value) {
        if (!flatten(part, shape, depth + 1, found)) {
            return false;
        }
    }
    return true;
}

std::vector<int> cells(const json &document, const char *name, const std::vector<int> &shape) {
    std::vector<int> found;
    if (!flatten(document.value(name, json()), shape, 0, found)) {
        std::string size;
        for (const int side : shape) {
            size += (size.empty() ? "" : "x") + std::to_string(side);
        }
        damaged(std::string(name) + " are not " + size + " whole numbers from 0 to " + std::to_string(MOST_CELL_LEVEL));
    }
    return found;
}

ReferenceView parse(const json &document) {
    ReferenceView found;
    found.width = whole(document, "width", LEAST_REFERENCE_SIDE, LONGEST_SIDE);
    found.height = whole(document, "height", LEAST_REFERENCE_SIDE, LONGEST_SIDE);
    found.frames = whole(document, "frames", 1, MOST_FRAMES);
    View &view = found.view;
    std::tie(view.rows, view.columns) = cells_of(found.width, found.height);
    view.levels = cells(document, "levels", {view.rows, view.columns});
    view.colours = cells(document, "colours", {view.rows / COLOUR_CELLS, view.columns / COLOUR_CELLS, 3});
    if (const std::optional<std::string> flaw = flaw_of(view)) {
        complain(*flaw);
    }
    return found;
}

// A list in parts of so many each.
json in_parts(const json &list, int size) {
    json parts = json::array();
    for (auto part = list.begin(); part != list.end(); part += size) {
        parts.emplace_back(part, part + size);
    }
    return parts;
}

}  // namespace

ReferenceView read_reference(const std::string &text) {
    try {
        return parse(read_kept(text, KIND, VERSION));
    } catch (const Error &error) {
        complain(std::string("this reference view cannot be used (") + error.what() +
                 "): take it anew with 'dgiqa-edge gate reference'");
    }
}

std::string write_reference(const ReferenceView &reference) {
    const View &view = reference.view;
    nlohmann::ordered_json document = {{"kind", KIND},
                                       {"version", VERSION},
                                       {"width", reference.width},
                                       {"height", reference.height},
                                       {"frames", reference.frames}};
    document["levels"] = in_parts(view.levels, view.columns);
    document["colours"] = in_parts(in_parts(view.colours, 3), view.columns / COLOUR_CELLS);
    return document.dump();
}

}  // namespace dgiqa
