#include "policy/md5.h"

#include <string.h>

/* RFC 1321, 3.4: the whole part of 2^32 * |sin(i)|, i from 1 and in radians. */
static const uint32_t sines[64] = {
    0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501,
    0x698098d8, 0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8,
    0x21e1cde6, 0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70,
    0x289b7ec6, 0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1,
    0x6fa87e4f, 0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
};

static const unsigned char shifts[4][4] = {{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};

/* The function of the round, and which word of the block the step takes. */
static uint32_t mix(unsigned step, uint32_t b, uint32_t c, uint32_t d, unsigned *word)
{
    switch (step / 16) {
    case 0:
        *word = step;
        return (b & c) | (~b & d);
    case 1:
        *word = (5 * step + 1) % 16;
        return (b & d) | (c & ~d);
    case 2:
        *word = (3 * step + 5) % 16;
        return b ^ c ^ d;
    default:
        *word = 7 * step % 16;
        return c ^ (b | ~d);
    }
}

static void take_block(struct md5 *md5)
{
    uint32_t a = md5->state[0];
    uint32_t b = md5->state[1];
    uint32_t c = md5->state[2];
    uint32_t d = md5->state[3];
    for (size_t i = 0; i < MD5_BLOCK / 4; i++) {
        const unsigned char *in = md5->block + 4 * i;
        md5->words[i] =
            (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
    }
    for (unsigned step = 0; step < 64; step++) {
        unsigned word;
        uint32_t sum = a + mix(step, b, c, d, &word) + sines[step];
        unsigned shift = shifts[step / 16][step % 4];
        sum += md5->words[word];
        a = d;
        d = c;
        c = b;
        b += sum << shift | sum >> (32 - shift);
    }
    md5->state[0] += a;
    md5->state[1] += b;
    md5->state[2] += c;
    md5->state[3] += d;
}

void md5_begin(struct md5 *md5)
{
    *md5 = (struct md5){.state = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476}};
}

void md5_add(struct md5 *md5, const void *data, size_t length)
{
    const unsigned char *in = data;
    while (length > 0) {
        size_t used = md5->length % MD5_BLOCK;
        size_t more = MD5_BLOCK - used < length ? MD5_BLOCK - used : length;
        memcpy(md5->block + used, in, more);
        md5->length += more;
        in += more;
        length -= more;
        if (used + more == MD5_BLOCK)
            take_block(md5);
    }
}

void md5_end(struct md5 *md5, unsigned char digest[MD5_BYTES])
{
    static const unsigned char padding[MD5_BLOCK] = {0x80};
    unsigned char bits[8];
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (unsigned char)(md5->length * 8 >> 8 * i);
    size_t used = md5->length % MD5_BLOCK;
    md5_add(md5, padding, (used < 56 ? 56 : 120) - used);
    md5_add(md5, bits, sizeof bits);
    for (size_t i = 0; i < MD5_BYTES; i++)
        digest[i] = (unsigned char)(md5->state[i / 4] >> 8 * (i % 4));
}
