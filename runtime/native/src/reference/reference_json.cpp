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

[[noreturn]] void damaged(const std::string &problem) { throw JsonTextError("it is damaged: " + problem); }

const json &member(const json &object, const char *key) {
    static const json nothing;
    const auto found = object.find(key);
    return found == object.end() ? nothing : *found;
}

bool within(const json &value, int low, int high) {
    return value.is_number_integer() && value >= low && value <= high;
}

int whole(const json &document, const char *name, int low, int high) {
    const json &value = member(document, name);
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
    if (!flatten(member(document, name), shape, 0, found)) {
        std::string size;
        for (const int side : shape) {
            size += (size.empty() ? "" : "x") + std::to_string(side);
        }
        damaged(std::string(name) + " are not " + size + " whole numbers from 0 to " + std::to_string(MOST_CELL_LEVEL));
    }
    return found;
}

ReferenceView parse(const json &document) {
    if (!document.is_object() || member(document, "kind") != KIND) {
        throw JsonTextError("it holds something else");
    }
    if (member(document, "version") != VERSION) {
        throw JsonTextError("its version is " + shown(member(document, "version")) + ", this library reads " +
                            std::to_string(VERSION));
    }
    ReferenceView found;
    found.width = whole(document, "width", LEAST_REFERENCE_SIDE, LONGEST_SIDE);
    found.height = whole(document, "height", LEAST_REFERENCE_SIDE, LONGEST_SIDE);
    found.frames = whole(document, "frames", 1, MOST_FRAMES);
    View &view = found.view;
    std::tie(view.rows, view.columns) = cells_of(found.width, found.height);
    view.levels = cells(document, "levels", {view.rows, view.columns});
    view.colours = cells(document, "colours", {view.rows / COLOUR_CELLS, view.columns / COLOUR_CELLS, 3});
    if (const std::optional<std::string> flaw = flaw_of(view)) {
        throw JsonTextError(*flaw);
    }
    return found;
}

json rows_of(const std::vector<int> &values, std::size_t &next, const std::vector<int> &shape, std::size_t depth) {
    if (depth == shape.size()) {
        return values[next++];
    }
    json list = json::array();
    for (int i = 0; i < shape[depth]; ++i) {
        list.push_back(rows_of(values, next, shape, depth + 1));
    }
    return list;
}

json rows_of(const std::vector<int> &values, const std::vector<int> &shape) {
    std::size_t next = 0;
    return rows_of(values, next, shape, 0);
}

}  // namespace

ReferenceView read_reference(const std::string &text) {
    try {
        return parse(read_json(text));
    } catch (const JsonTextError &error) {
        throw Error(DGIQA_ERROR_CONFIGURATION, std::string("this reference view cannot be used (") + error.what() +
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
    document["levels"] = rows_of(view.levels, {view.rows, view.columns});
    document["colours"] = rows_of(view.colours, {view.rows / COLOUR_CELLS, view.columns / COLOUR_CELLS, 3});
    return document.dump();
}

}  // namespace dgiqa
