/* SPDX-License-Identifier: Apache-2.0 */
#include "block.h"

#include "../base/poison.h"

static void
read_portable(const char *bytes, size_t size, char *folded, struct am_text_block *block) {
    *block = (struct am_text_block){0};
    for (unsigned i = 0; i < AM_BLOCK; i++) {
        unsigned char byte = i < size ? (unsigned char)bytes[i] : ' ';
        uint64_t letter = (unsigned char)((byte | 0x20) - 'a') < 26;
        folded[i] = (char)(byte | letter << 5);
        block->letter |= letter << i;
        block->digit |= (uint64_t)((unsigned char)(byte - '0') < 10) << i;
        block->high |= (uint64_t)(byte >> 7) << i;
        block->apostrophe |= (uint64_t)(byte == '\'' || byte == '`') << i;
        block->period |= (uint64_t)(byte == '.') << i;
        block->ampersand |= (uint64_t)(byte == '&') << i;
        block->tail |= (uint64_t)(byte == '+' || byte == '#') << i;
    }
}

static uint32_t list_portable(uint64_t starts,
                              uint64_t ends,
                              const struct am_text_word *block,
                              struct am_text_word *words) {
    uint32_t count = 0;
    for (; ends; ends &= ends - 1, starts &= starts - 1) {
        uint32_t first = (uint32_t)__builtin_ctzll(starts), end = (uint32_t)__builtin_ctzll(ends);
        words[count++] = (struct am_text_word){block->text + first, end - first,
                                               block->begin + first, block->begin + end};
    }
    return count;
}

static const struct am_text_block_kernel portable = {read_portable, list_portable};

#ifdef __x86_64__
#include <immintrin.h>

struct half {
    uint32_t letter, digit, high, apostrophe, period, ampersand, tail;
};

__attribute__((target("avx2"))) static inline uint32_t equal(__m256i bytes, char byte) {
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(byte)));
}

/* Bytes of first..first + count - 1: an unsigned comparison, which AVX2 has as a minimum only. */
__attribute__((target("avx2"))) static inline __m256i
within(__m256i bytes, char first, char count) {
    __m256i above = _mm256_sub_epi8(bytes, _mm256_set1_epi8(first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(above, _mm256_set1_epi8((char)(count - 1))), above);
}

__attribute__((target("avx2"))) static inline struct half half_of(const char *bytes, char *folded) {
    __m256i text = _mm256_loadu_si256((const __m256i *)(const void *)bytes);
    __m256i bit = _mm256_set1_epi8(0x20);
    __m256i letters = within(_mm256_or_si256(text, bit), 'a', 26);
    _mm256_storeu_si256((__m256i *)(void *)folded,
                        _mm256_or_si256(text, _mm256_and_si256(letters, bit)));
    return (struct half){
        .letter = (uint32_t)_mm256_movemask_epi8(letters),
        .digit = (uint32_t)_mm256_movemask_epi8(within(text, '0', 10)),
        .high = (uint32_t)_mm256_movemask_epi8(text),
        .apostrophe = equal(text, '\'') | equal(text, '`'),
        .period = equal(text, '.'),
        .ampersand = equal(text, '&'),
        .tail = equal(text, '+') | equal(text, '#'),
    };
}

__attribute__((target("avx2"))) static void
read_avx2(const char *bytes, size_t size, char *folded, struct am_text_block *block) {
    char padded[AM_BLOCK];
    if (size < AM_BLOCK) {
        memset(padded, ' ', AM_BLOCK);
        bytes = memcpy(padded, bytes, size);
    }
    struct half low = half_of(bytes, folded), high = half_of(bytes + 32, folded + 32);
    block->letter = low.letter | (uint64_t)high.letter << 32;
    block->digit = low.digit | (uint64_t)high.digit << 32;
    block->high = low.high | (uint64_t)high.high << 32;
    block->apostrophe = low.apostrophe | (uint64_t)high.apostrophe << 32;
    block->period = low.period | (uint64_t)high.period << 32;
    block->ampersand = low.ampersand | (uint64_t)high.ampersand << 32;
    block->tail = low.tail | (uint64_t)high.tail << 32;
}

static const struct am_text_block_kernel avx2 = {read_avx2, list_portable};

#define AVX512 __attribute__((target("avx512bw,avx512f")))

AVX512 static void
read_avx512(const char *bytes, size_t size, char *folded, struct am_text_block *block) {
    am_poison_check_readable(bytes, size); /* compilers do not instrument loads of some lanes */
    __m512i text =
        _mm512_mask_loadu_epi8(_mm512_set1_epi8(' '), UINT64_MAX >> (AM_BLOCK - size), bytes);
    __m512i bit = _mm512_set1_epi8(0x20);
    __m512i lower = _mm512_sub_epi8(_mm512_or_si512(text, bit), _mm512_set1_epi8('a'));
    __mmask64 letters = _mm512_cmplt_epu8_mask(lower, _mm512_set1_epi8(26));
    __m512i fold = _mm512_or_si512(text, _mm512_maskz_mov_epi8(letters, bit));
    __m512i value = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
    _mm512_storeu_si512(folded, fold);
    block->letter = letters;
    block->digit = _mm512_cmplt_epu8_mask(value, _mm512_set1_epi8(10));
    block->high = _mm512_movepi8_mask(text);
    block->apostrophe = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\'')) |
                        _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('`'));
    block->period = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('.'));
    block->ampersand = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('&'));
    block->tail = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('+')) |
                  _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('#'));
}

static const struct am_text_block_kernel avx512 = {read_avx512, list_portable};

#define VBMI2 __attribute__((target("avx512vbmi2,avx512bw,avx512vl,avx512f,popcnt")))

/* Sixteen words, whose first bytes and ends are given: columns to rows. The columns' items are
 * shuffled first, so that the rows come out in order. */
VBMI2 static void list_sixteen(__m128i starts,
                               __m128i ends,
                               const struct am_text_word *block,
                               struct am_text_word *words) {
    const __m128i order = _mm_setr_epi8(0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15);
    __m512i first = _mm512_cvtepu8_epi32(_mm_shuffle_epi8(starts, order));
    __m512i last = _mm512_cvtepu8_epi32(_mm_shuffle_epi8(ends, order));
    __m512i text = _mm512_add_epi32(first, _mm512_set1_epi32((int)block->text));
    __m512i size = _mm512_sub_epi32(last, first);
    __m512i begin = _mm512_add_epi32(first, _mm512_set1_epi32((int)block->begin));
    __m512i end = _mm512_add_epi32(last, _mm512_set1_epi32((int)block->begin));
    __m512i low_text = _mm512_unpacklo_epi32(text, size);
    __m512i high_text = _mm512_unpackhi_epi32(text, size);
    __m512i low_span = _mm512_unpacklo_epi32(begin, end);
    __m512i high_span = _mm512_unpackhi_epi32(begin, end);
    _mm512_storeu_si512(words, _mm512_unpacklo_epi64(low_text, low_span));
    _mm512_storeu_si512(words + 4, _mm512_unpackhi_epi64(low_text, low_span));
    _mm512_storeu_si512(words + 8, _mm512_unpacklo_epi64(high_text, high_span));
    _mm512_storeu_si512(words + 12, _mm512_unpackhi_epi64(high_text, high_span));
}
_Static_assert(sizeof(struct am_text_word) == 16, "list_sixteen writes four words to a register");

/* No loop over words, whose end nothing predicts. */
VBMI2 static uint32_t list_vbmi2(uint64_t starts,
                                 uint64_t ends,
                                 const struct am_text_word *block,
                                 struct am_text_word *words) {
    const __m512i places = _mm512_set_epi8(
        63, 62, 61, 60, 59, 58, 57, 56, 55, 54, 53, 52, 51, 50, 49, 48, 47, 46, 45, 44, 43, 42, 41,
        40, 39, 38, 37, 36, 35, 34, 33, 32, 31, 30, 29, 28, 27, 26, 25, 24, 23, 22, 21, 20, 19, 18,
        17, 16, 15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    __m512i first = _mm512_maskz_compress_epi8(starts, places);
    __m512i last = _mm512_maskz_compress_epi8(ends, places);
    list_sixteen(_mm512_castsi512_si128(first), _mm512_castsi512_si128(last), block, words);
    uint32_t count = (uint32_t)_mm_popcnt_u64(ends);
    if (__builtin_expect(count > 16, 0))
        list_sixteen(_mm512_extracti32x4_epi32(first, 1), _mm512_extracti32x4_epi32(last, 1), block,
                     words + 16);
    return count;
}

static const struct am_text_block_kernel vbmi2 = {read_avx512, list_vbmi2};

const struct am_text_block_kernel *am_text_block_kernel(enum am_text_block_kernel_name name) {
    switch (name) {
    case AM_BLOCK_PORTABLE:
        return &portable;
    case AM_BLOCK_AVX2:
        return __builtin_cpu_supports("avx2") ? &avx2 : NULL;
    case AM_BLOCK_AVX512:
        return __builtin_cpu_supports("avx512bw") ? &avx512 : NULL;
    case AM_BLOCK_VBMI2:
        return __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
                       __builtin_cpu_supports("avx512vbmi2")
                   ? &vbmi2
                   : NULL;
    default:
        return NULL;
    }
}
#else
const struct am_text_block_kernel *am_text_block_kernel(enum am_text_block_kernel_name name) {
    return name == AM_BLOCK_PORTABLE ? &portable : NULL;
}
#endif

const struct am_text_block_kernel *am_text_block_best(void) {
    const struct am_text_block_kernel *best = NULL;
    for (int name = AM_TEXT_BLOCK_KERNELS; !best;)
        best = am_text_block_kernel((enum am_text_block_kernel_name)-- name);
    return best;
}
