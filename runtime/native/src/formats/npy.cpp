#include "formats/npy.hpp"

#include <cctype>
#include <cstring>
#include <limits>

#include "formats/quoting.hpp"

namespace dgiqa {
namespace {

constexpr std::size_t MOST_DIMENSIONS = 8;

// Reads {'descr': '|u1', 'fortran_order': False, 'shape': (1, 48, 64, 3), }
class Literal {
public:
    explicit Literal(std::string text) : text_(std::move(text)) {}

    bool takes(char letter) {
        skip_blanks();
        if (at_ >= text_.size() || text_[at_] != letter) return false;
        ++at_;
        return true;
    }

    void expect(char letter) {
        if (!takes(letter)) fail();
    }

    std::string text() {
        skip_blanks();
        if (at_ >= text_.size() || (text_[at_] != '\'' && text_[at_] != '"')) fail();
        const std::size_t end = text_.find(text_[at_], at_ + 1);
        if (end == std::string::npos) fail();
        const std::string value = text_.substr(at_ + 1, end - at_ - 1);
        at_ = end + 1;
        return value;
    }

    bool boolean() {
        skip_blanks();
        for (const bool value : {true, false}) {
            const std::string word = value ? "True" : "False";
            if (text_.compare(at_, word.size(), word) == 0) {
                at_ += word.size();
                return value;
            }
        }
        fail();
    }

    std::size_t count() {
        skip_blanks();
        std::size_t value = 0;
        const std::size_t start = at_;
        for (; at_ < text_.size() && std::isdigit(static_cast<unsigned char>(text_[at_])); ++at_) {
            if (at_ - start > 12) fail();
            value = value * 10 + static_cast<std::size_t>(text_[at_] - '0');
        }
        if (at_ == start) fail();
        return value;
    }

    void expect_end() {
        skip_blanks();
        if (at_ != text_.size()) fail();
    }

    [[noreturn]] static void fail() { throw NpzError("an array's header is damaged"); }

private:
    void skip_blanks() {
        while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    }

    std::string text_;
    std::size_t at_ = 0;
};

struct Header {
    std::string dtype;
    bool fortran_order = false;
    std::vector<std::size_t> shape;
    int fields = 0;
};

std::vector<std::size_t> shape_of(Literal &literal) {
    std::vector<std::size_t> shape;
    literal.expect('(');
    while (!literal.takes(')')) {
        if (shape.size() == MOST_DIMENSIONS) Literal::fail();
        shape.push_back(literal.count());
        if (!literal.takes(',')) {
            literal.expect(')');
            break;
        }
    }
    return shape;
}

Header header_of(const std::string &text, const std::string &name) {
    Literal literal(text);
    Header header;
    literal.expect('{');
    while (!literal.takes('}')) {
        const std::string key = literal.text();
        literal.expect(':');
        if (key == "descr") {
            if (literal.takes('[')) throw NpzError("the array '" + name + "' is a record, not plain numbers");
            header.dtype = literal.text();
        } else if (key == "fortran_order") {
            header.fortran_order = literal.boolean();
        } else if (key == "shape") {
            header.shape = shape_of(literal);
        } else {
            Literal::fail();
        }
        ++header.fields;
        if (!literal.takes(',')) {
            literal.expect('}');
            break;
        }
    }
    literal.expect_end();
    if (header.fields != 3 || header.dtype.empty()) Literal::fail();
    return header;
}

std::size_t item_bytes(const std::string &dtype, const std::string &name) {
    if (dtype.find('O') != std::string::npos)
        throw NpzError("the array '" + name + "' holds pickled objects, which are never read");
    const bool plain = dtype.size() == 3 && (dtype[0] == '|' || dtype[0] == '<') &&
                       std::strchr("uifb", dtype[1]) != nullptr && std::strchr("1248", dtype[2]) != nullptr;
    if (!plain) throw NpzError("the array '" + name + "' has the type " + quoted(dtype));
    return static_cast<std::size_t>(dtype[2] - '0');
}

}  // namespace

NpyArray array_of_npy(std::vector<std::uint8_t> &&file, const std::string &name) {
    if (file.size() < 10 || std::memcmp(file.data(), "\x93NUMPY", 6) != 0)
        throw NpzError("the member '" + name + "' is not an array");
    const bool short_length = file[6] == 1;  // version 1; 2 and 3 have a longer field
    const std::size_t start = short_length ? 10 : 12;
    if (file[6] < 1 || file[6] > 3 || file.size() < start) Literal::fail();
    std::size_t length = file[8] + std::size_t{256} * file[9];
    if (!short_length) length += (std::size_t{file[10]} << 16) + (std::size_t{file[11]} << 24);
    if (length > file.size() - start) Literal::fail();
    const auto content = file.begin() + static_cast<std::ptrdiff_t>(start + length);
    const Header header = header_of(std::string(file.begin() + static_cast<std::ptrdiff_t>(start), content), name);
    if (header.fortran_order) throw NpzError("the array '" + name + "' is in Fortran order");
    std::size_t expected = item_bytes(header.dtype, name);
    for (std::size_t side : header.shape) {
        if (side != 0 && expected > std::numeric_limits<std::size_t>::max() / side) Literal::fail();
        expected *= side;
    }
    if (static_cast<std::size_t>(file.end() - content) != expected)
        throw NpzError("the array '" + name + "' has other bytes than its shape needs");
    NpyArray array{header.dtype, header.shape, std::move(file)};
    array.bytes.erase(array.bytes.begin(), array.bytes.begin() + static_cast<std::ptrdiff_t>(start + length));
    return array;
}

}  // namespace dgiqa
