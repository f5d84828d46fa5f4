#include "config/nearest.h"

#include <string.h>

/* Names of settings are shorter; what is longer is no typing error. */
#define WORD_MAX 63

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static unsigned char least(unsigned a, unsigned b, unsigned c)
{
    unsigned smaller = a < b ? a : b;
    return (unsigned char)(smaller < c ? smaller : c);
}

unsigned word_distance(const char *a, const char *b)
{
    /* Rows i-2, i-1 and i of the table of distances between the first i of a and the first k of b. */
    unsigned char rows[3][WORD_MAX + 1];
    size_t length_a = strlen(a);
    size_t length_b = strlen(b);
    if (length_a > WORD_MAX || length_b > WORD_MAX)
        return WORD_MAX;
    for (size_t i = 0; i <= length_a; i++) {
        unsigned char *row = rows[i % 3];
        const unsigned char *before = rows[(i + 2) % 3];
        const unsigned char *before_that = rows[(i + 1) % 3];
        row[0] = (unsigned char)i;
        for (size_t k = 1; k <= length_b; k++) {
            if (i == 0) {
                row[k] = (unsigned char)k;
                continue;
            }
            unsigned change = lower(a[i - 1]) != lower(b[k - 1]);
            row[k] = least(before[k] + 1U, row[k - 1] + 1U, before[k - 1] + change);
            if (i > 1 && k > 1 && lower(a[i - 1]) == lower(b[k - 2]) && lower(a[i - 2]) == lower(b[k - 1]))
                row[k] = least(row[k], before_that[k - 2] + 1U, WORD_MAX);
        }
    }
    return rows[length_a % 3][length_b];
}

const char *nearest_word(const char *word, const char *const *words, size_t count)
{
    const char *nearest = NULL;
    unsigned least_distance = WORD_MAX;
    for (size_t i = 0; i < count; i++) {
        unsigned distance = word_distance(word, words[i]);
        if (distance < least_distance && distance <= 1 + strlen(words[i]) / 3) {
            least_distance = distance;
            nearest = words[i];
        }
    }
    return nearest;
}
