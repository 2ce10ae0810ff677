/* SPDX-License-Identifier: Apache-2.0 */
/* Private to the match room: an ad that a decision considers. */
#ifndef AM_MATCH_CANDIDATE_H
#define AM_MATCH_CANDIDATE_H

#include <stdint.h>

struct am_match_candidate {
    uint32_t ad;
    uint32_t posting;   /* the keyword that ranks best */
    uint32_t hit;       /* of that keyword; AM_NONE for "*" */
    uint8_t gate;       /* furthest gate that stopped it; AM_GATES: none yet */
    uint8_t fixed_gate; /* of the gates that no slot changes: the one that stops it, or AM_GATES */
    uint8_t placed;     /* in any slot */
    uint8_t aside;   /* only its lead lets it through: its turn comes behind those on their line */
    uint32_t detail; /* by gate: see the details in explain.c */
};

#endif
