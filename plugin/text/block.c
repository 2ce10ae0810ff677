#include "block.h"

static void portable(const char *bytes, char *folded, struct am_block *block) {
    *block = (struct am_block){0};
    for (unsigned i = 0; i < AM_BLOCK; i++) {
        unsigned char byte = (unsigned char)bytes[i];
        uint64_t letter = (unsigned char)((byte | 0x20) - 'a') < 26;
        folded[i] = (char)(byte | letter << 5);
        block->letter |= letter << i;
        block->digit |= (uint64_t)((unsigned char)(byte - '0') < 10) << i;
        block->high |= (uint64_t)(byte >> 7) << i;
        block->apostrophe |= (uint64_t)(byte == '\'') << i;
        block->period |= (uint64_t)(byte == '.') << i;
        block->ampersand |= (uint64_t)(byte == '&') << i;
        block->tail |= (uint64_t)(byte == '+' || byte == '#') << i;
    }
}

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
        .apostrophe = equal(text, '\''),
        .period = equal(text, '.'),
        .ampersand = equal(text, '&'),
        .tail = equal(text, '+') | equal(text, '#'),
    };
}

__attribute__((target("avx2"))) static void
avx2(const char *bytes, char *folded, struct am_block *block) {
    struct half low = half_of(bytes, folded), high = half_of(bytes + 32, folded + 32);
    block->letter = low.letter | (uint64_t)high.letter << 32;
    block->digit = low.digit | (uint64_t)high.digit << 32;
    block->high = low.high | (uint64_t)high.high << 32;
    block->apostrophe = low.apostrophe | (uint64_t)high.apostrophe << 32;
    block->period = low.period | (uint64_t)high.period << 32;
    block->ampersand = low.ampersand | (uint64_t)high.ampersand << 32;
    block->tail = low.tail | (uint64_t)high.tail << 32;
}

#define AVX512 __attribute__((target("avx512bw,avx512f")))

AVX512 static void avx512(const char *bytes, char *folded, struct am_block *block) {
    __m512i text = _mm512_loadu_si512(bytes);
    __m512i bit = _mm512_set1_epi8(0x20);
    __m512i lower = _mm512_sub_epi8(_mm512_or_si512(text, bit), _mm512_set1_epi8('a'));
    __mmask64 letters = _mm512_cmplt_epu8_mask(lower, _mm512_set1_epi8(26));
    __m512i fold = _mm512_or_si512(text, _mm512_maskz_mov_epi8(letters, bit));
    __m512i value = _mm512_sub_epi8(text, _mm512_set1_epi8('0'));
    _mm512_storeu_si512(folded, fold);
    block->letter = letters;
    block->digit = _mm512_cmplt_epu8_mask(value, _mm512_set1_epi8(10));
    block->high = _mm512_movepi8_mask(text);
    block->apostrophe = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('\''));
    block->period = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('.'));
    block->ampersand = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('&'));
    block->tail = _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('+')) |
                  _mm512_cmpeq_epi8_mask(text, _mm512_set1_epi8('#'));
}

am_block_function *am_block_way(enum am_block_way way) {
    switch (way) {
    case AM_BLOCK_PORTABLE:
        return portable;
    case AM_BLOCK_AVX2:
        return __builtin_cpu_supports("avx2") ? avx2 : NULL;
    case AM_BLOCK_AVX512:
        return __builtin_cpu_supports("avx512bw") ? avx512 : NULL;
    default:
        return NULL;
    }
}
#else
am_block_function *am_block_way(enum am_block_way way) {
    return way == AM_BLOCK_PORTABLE ? portable : NULL;
}
#endif

am_block_function *am_block_best(void) {
    am_block_function *best = portable;
    for (int way = AM_BLOCK_PORTABLE; way < AM_BLOCK_WAYS; way++)
        if (am_block_way((enum am_block_way)way))
            best = am_block_way((enum am_block_way)way);
    return best;
}
