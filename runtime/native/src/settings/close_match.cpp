#include "settings/close_match.hpp"

#include <cstddef>

namespace dgiqa {
namespace {

constexpr double LEAST_RATIO = 0.6;
constexpr std::size_t LONGEST_WORD = 64;  // the search is cubic, and no setting has a longer name

// Letters in common: the longest common piece, then the same to the left and to the right of it (Ratcliff, Obershelp).
std::size_t common_letters(const std::string &one, const std::string &other) {
    std::size_t at_one = 0, at_other = 0, length = 0;
    for (std::size_t i = 0; i < one.size(); ++i) {
        for (std::size_t j = 0; j < other.size(); ++j) {
            std::size_t run = 0;
            while (i + run < one.size() && j + run < other.size() && one[i + run] == other[j + run]) {
                ++run;
            }
            if (run > length) {
                at_one = i, at_other = j, length = run;
            }
        }
    }
    if (length == 0) {
        return 0;
    }
    return length + common_letters(one.substr(0, at_one), other.substr(0, at_other)) +
           common_letters(one.substr(at_one + length), other.substr(at_other + length));
}

}  // namespace

std::string close_match(const std::string &given, const std::vector<std::string> &known) {
    std::string best;
    double best_ratio = 0.0;
    if (given.size() > LONGEST_WORD) {
        return best;
    }
    for (const std::string &word : known) {
        const std::size_t letters = word.size() + given.size();
        const double ratio =
            letters == 0 ? 1.0 : 2.0 * static_cast<double>(common_letters(word, given)) / static_cast<double>(letters);
        if (ratio >= LEAST_RATIO && (ratio > best_ratio || (ratio == best_ratio && word > best))) {
            best = word;
            best_ratio = ratio;
        }
    }
    return best;
}

}  // namespace dgiqa
