/* SPDX-License-Identifier: Apache-2.0 */
/* The bytes of the live file, format version 1, and the argument why a kill at any instruction
 * leaves them right. Private to the room.
 *
 *     header      16 KiB: geometry, states, the lock, publication, traffic, pools, the redo list
 *     members     128 bytes each: a process, by a robust mutex that its main thread holds
 *     slots       8,448 bytes each: what one worker thread is doing, and its queue of events
 *     states      u64 a placement in flight         placements  64 bytes each: what it holds
 *     callers     u16 each: unconfirmed placements by hash of a public caller's network
 *     directory   u32 each: heads of the chains of records, by key
 *     records     128 bytes each      limits      128 bytes each
 *     zones       128 bytes each      schedules, curves, hours, cap sets, texts: interned
 *
 * Sections begin on pages. The file is sparse: fixed sections and what `grown` says of the others
 * have been allocated with fallocate, so that touching them never meets a full tmpfs (SIGBUS).
 *
 *
 * Who writes what
 *
 * Three kinds of words, each with one rule.
 *
 * 1. Words behind the lock (`header->lock`, a robust mutex): all but those below. The holder's
 *    step, a publisher, and a worker that folds events write them, one at a time. A change of
 *    several words goes through the redo list: the new values are listed, `redo.valid` is set, the
 *    values are stored, `valid` is cleared. Who gets the lock of a dead owner (EOWNERDEAD) first
 *    stores the list again where it is valid. The values are absolute, so that storing them twice
 *    is storing them once: each change happens whole or not at all. Bytes that nothing refers to
 *    yet (a new text, a new curve) are written first, outside of the list.
 *    Workers read these words without the lock, one word at a time, by atomic loads.
 *
 * 2. Guards: a limit's `committed` and `expected`, the placements' states, `callers`. Every worker
 *    changes them, by atomics alone. They are not the truth, but bounds of it:
 *
 *        committed >= counted + what is charged and not folded + holds of placements in flight
 *        expected  >= holds of clicks of placements in flight
 *
 *    Taking comes before what is taken exists, giving back after it is gone: a reservation raises
 *    the guard, then turns its placement from FILLING to held; an expiry frees the placement, then
 *    lowers the guard. So a worker killed in between leaves a guard too high, never too low: less
 *    is spent than could be, nothing above a limit. What it was about stands in its slot (`op`, the
 *    cells), written before its first change, so that the holder finds the limits in doubt and
 *    computes their guards anew from the truth: am_ledger_repair.
 *    For that it sets `frozen` and waits until no living slot is inside an operation. A worker
 *    stores `op`, then loads `frozen`; the holder stores `frozen`, then loads each `op`; all four
 *    are sequentially consistent, so that one of the two sees the other (Dekker). A worker that
 *    sees `frozen` backs out: a decision finds its ad stopped, an event waits. All of it is
 *    done with the lock, so that a freeze whose maker was killed ends with whoever gets the lock
 *    next; the repair itself is made again, since its dead are buried last.
 *
 * 3. A slot's own words: its worker writes `op`, `head`, the record of the queue at `head`; nobody
 *    else does while the worker's process lives. The record at `head` is the event under way: NOTED
 *    (nothing is decided), CHARGED (it is in the guards; its log line may or may not be written),
 *    then counted, which is one store: head + 1. A worker killed before that store leaves the event
 *    under way to am_ledger_finish; killed after it, the event is in the queue. Folding is a change
 *    of kind 1: counters, `tail` and the position of the log line in one redo list. So each event
 *    is counted once, and the position says which lines the counters hold, at every instruction.
 *
 * After a kill, only the order of the compiler matters: the processor has executed a prefix of the
 * program, and the kernel's release of the robust mutex (the owner's or the member's) orders all of
 * it before whoever finds the owner dead. Between living processes the pairs are: limits and
 * records are filled before the release store that links them (redo), and read after the acquire
 * load of the link; a placement's body is written before its state becomes held (release), and
 * copied before the compare-and-swap that takes it out of that state, whose 40 bits of sequence
 * never return, so that a copy that was overwritten meanwhile is thrown away; queue records are
 * written before `head` (release) and read after it (acquire).
 *
 * A counter of frequency caps that was raised for a placement that never came into being stays
 * raised until its window ends: the user sees less, never more. */
#ifndef AM_DELIVERY_LAYOUT_H
#define AM_DELIVERY_LAYOUT_H

#include <pthread.h>
#include <stddef.h>

#include "ledger.h"

#define AM_LEDGER_LIVE_MAGIC "AMLEDGR\x1A"
#define AM_LEDGER_NO_INDEX UINT32_MAX

enum {
    AM_LEDGER_LIVE_PAGE = 4096,
    AM_LEDGER_LIVE_GROWTH = AM_BUFFER_SIZE(1 << 20, 1 << 14),
    AM_LEDGER_LIVE_MEMBERS = 256,
    AM_LEDGER_LIVE_SLOTS_MAX = 1024,
    AM_LEDGER_LIVE_ZONES = 1024,
    AM_LEDGER_LIVE_ZONE_NAME = 64,
    AM_LEDGER_LIVE_CAP_SETS = AM_BUFFER_SIZE(65536, 64), /* set 0: none */
    AM_LEDGER_LIVE_CALLERS = AM_BUFFER_SIZE(262144, 256),
    AM_LEDGER_LIVE_SPARE_ITEMS =
        AM_BUFFER_SIZE(1024, 16), /* of pools, beside those for the cells */
    AM_LEDGER_LIVE_QUEUE = 32,
    AM_LEDGER_LIVE_REDO = 240,
    AM_LEDGER_LIVE_WEEKS = 4,
    AM_LEDGER_LIVE_OFFSET_MAX = 26 * 3600, /* of a time zone from UTC */
    AM_LEDGER_LIVE_TEXT_UNIT = 16,
    AM_LEDGER_LIVE_TEXT_CLASSES = AM_LEDGER_ID_MAX_BYTES / AM_LEDGER_LIVE_TEXT_UNIT + 1,
    AM_LEDGER_BUCKET = 8, /* placements of one line of states */
};

/* ---- records ------------------------------------------------------------------------------------
 *
 *     0       8       16      24      32      40      48      56      64
 *    +-------+-------+-------+-------+-------+-------+---+---+---+---+
 *    | counted: spend, impr., clicks | the same before today |day|gone|mark|ver|    by events
 *    +-------+-------+-------+-------+---+---+---+---+---+---+-+-+-+-+
 *    | key   | above | start | end   |next|text| limits    |zone|k|f|daystart|     by publishers
 *    +-------+-------+-------+-------+---+---+---+---+---+---+-+-+-+-+
 *    64      72      80      88      96  100 104         116    120     128
 */
enum am_ledger_record_flag {
    AM_LEDGER_RECORD_USED = 1,
    AM_LEDGER_RECORD_PAUSED = 2,
    AM_LEDGER_RECORD_RESUMED = 4, /* its pause was lifted, and lines below are not anchored yet */
    AM_LEDGER_RECORD_CLOSED = 8,  /* it has a limit that found no room: it must not run */
    AM_LEDGER_RECORD_HALTED = 16, /* by an override, whatever the inventory says */
    AM_LEDGER_RECORD_RESTS = AM_LEDGER_RECORD_PAUSED | AM_LEDGER_RECORD_HALTED,
};

struct am_ledger_record {
    int64_t total[AM_LEDGER_UNITS];  /* nanos, impressions, clicks */
    int64_t before[AM_LEDGER_UNITS]; /* total when its day began */
    int32_t day;                     /* since 1970-01-01, of its zone */
    int32_t gone;                    /* the day it was last published; 0: it is published */
    uint32_t mark;                   /* publication that put it last */
    uint32_t version;                /* goes up with each change of its days and limits */

    uint64_t key;
    uint64_t above; /* key of the record above it, or 0 */
    int64_t start, end;
    uint32_t next; /* of its chain in the directory; of the list of free cells */
    uint32_t text; /* its id: am_text */
    uint32_t limits[AM_LEDGER_UNITS];
    uint16_t zone;
    uint8_t kind;
    uint8_t flags;
    int64_t day_start; /* when `day` began */
};
_Static_assert(sizeof(struct am_ledger_record) == 128, "a record is two cache lines");
_Static_assert(offsetof(struct am_ledger_record, key) == 64,
               "events and publishers write a line each");

/* ---- limits -------------------------------------------------------------------------------------
 *
 * In nanos, impressions, or millionths of a click. Guard and thresholds count from the record's
 * first event, not from the window's: so the end of a day moves thresholds, and never the guard.
 *
 *     0       8       16      24      32      40      48      56  60  64
 *    +-------+-------+-------+-------+-------+-------+-------+---+---+
 *    | commit| expect| count | base  |ceiling| line  | lead  |day|flags|             the workers'
 *    +-------+-------+-------+-------+-------+-------+-------+---+---+
 *    | total | daily | u0    | W(t0) | B     | t0    | b     |sched|rec|             the step's
 *    +-------+-------+-------+-------+-------+-------+-------+---+---+
 *
 *     used = committed + expected - base      L = ceiling - base
 *     line = base + line(t)                   lead = line + L / 50
 */
enum am_ledger_limit_flag {
    AM_LEDGER_LIMIT_KIND = 3,           /* enum am_ledger_kind */
    AM_LEDGER_LIMIT_UNIT = 3 << 2,      /* enum am_ledger_unit, shifted */
    AM_LEDGER_LIMIT_PACING = 3 << 4,    /* enum am_pace_kind, shifted */
    AM_LEDGER_LIMIT_ON = 1 << 6,        /* off: the limit was removed; its guard goes on */
    AM_LEDGER_LIMIT_PACED = 1 << 7,     /* has a line that the step moves */
    AM_LEDGER_LIMIT_DAY_BEGAN = 1 << 8, /* since its line was anchored, here and below */
    AM_LEDGER_LIMIT_CHANGED = 1 << 9,   /* its terms did, or a pause was lifted */
    AM_LEDGER_LIMIT_PUT_BACK = 1 << 10, /* the clock was put back by days */
};
#define AM_LEDGER_LIMIT_UNANCHORED                                                                 \
    ((uint32_t)(AM_LEDGER_LIMIT_DAY_BEGAN | AM_LEDGER_LIMIT_CHANGED | AM_LEDGER_LIMIT_PUT_BACK))
#define AM_LEDGER_LIMIT_UNIT_SHIFT 2
#define AM_LEDGER_LIMIT_PACING_SHIFT 4

struct am_ledger_limit {
    int64_t committed; /* guard: counted + reserved */
    int64_t expected;  /* guard: holds of clicks */
    int64_t counted;   /* the record's total, in the limit's scale */
    int64_t base;      /* counted before the window; 0 where the window is all of its time */
    int64_t ceiling;   /* INT64_MAX while it is off */
    int64_t line, lead;
    int32_t day;
    uint32_t flags;

    int64_t total, daily; /* AM_LEDGER_UNLIMITED where there is none */
    int64_t u0;           /* of the window */
    uint64_t w0, b_weight;
    int64_t t0, b;
    uint32_t schedule;
    uint32_t record;
};
_Static_assert(sizeof(struct am_ledger_limit) == 128, "a limit is two cache lines");
_Static_assert(offsetof(struct am_ledger_limit, total) == 64,
               "workers and the step have a line each");

/* ---- placements in flight -----------------------------------------------------------------------
 *
 *     63                24         4     0
 *    +--------------------+----------+----+
 *    | sequence           | expiry   |bits|    the state; 0: free
 *    +--------------------+----------+----+
 *
 * Expiry counts seconds modulo 2^20: 12 days. */
enum am_ledger_placement_bit {
    AM_LEDGER_PLACEMENT_IMPRESSION = 1, /* the holds that its impression uses up are held */
    AM_LEDGER_PLACEMENT_CLICK = 2,      /* those that its click uses up */
    AM_LEDGER_PLACEMENT_FILLING = 4,
    AM_LEDGER_PLACEMENT_BITS = 15,
};
#define AM_LEDGER_PLACEMENT_SEQUENCE_SHIFT 24
#define AM_LEDGER_PLACEMENT_EXPIRY_MASK UINT64_C(0xFFFFF)
#define AM_LEDGER_SEQUENCE_MASK ((UINT64_C(1) << 40) - 1)

struct am_ledger_placement {
    uint64_t user;      /* whose caps it counted; 0: nobody's */
    uint64_t ad_key;    /* an ad may have caps and no record */
    int64_t money_hold; /* in `committed`, or with per_click in `expected` */
    uint32_t decided;   /* seconds since the epoch */
    uint32_t seconds;   /* from the decision to the expiry */
    uint32_t ctr;       /* the hold of a click, millionths */
    uint32_t cells[AM_LEDGER_KINDS];
    uint32_t caller;
    uint16_t cap_sets[AM_LEDGER_KINDS];
    uint16_t held; /* limits whose guard has a hold: bit kind x 3 + unit */
    uint8_t per_click;
    uint8_t reserved[3];
};
_Static_assert(sizeof(struct am_ledger_placement) == 64, "a placement is one cache line");

/* ---- slots --------------------------------------------------------------------------------------
 *
 *     line 0    owner, op and what it is about      line 1    head
 *     line 2    tail, position, and the last ones   line 3    decisions
 *     then      32 events of 256 bytes
 */
enum am_ledger_slot_state { AM_LEDGER_SLOT_FREE, AM_LEDGER_SLOT_LIVE, AM_LEDGER_SLOT_UNFINISHED };
enum am_ledger_op {
    AM_LEDGER_OP_NONE,
    AM_LEDGER_OP_RESERVE,
    AM_LEDGER_OP_RELEASE,
    AM_LEDGER_OP_CHARGE,
    AM_LEDGER_OP_COUNT,
    AM_LEDGER_OP_EXPIRE
};
enum am_ledger_queued_state {
    AM_LEDGER_QUEUED_EMPTY,
    AM_LEDGER_QUEUED_NOTED,
    AM_LEDGER_QUEUED_CHARGED
};

struct am_ledger_queued {
    uint32_t state; /* of the record at head */
    uint32_t note_size;
    struct am_ledger_event event;
    uint16_t charged; /* limits whose guard has the amount: bit kind x 3 + unit */
    uint8_t outcome;  /* enum am_ledger_outcome */
    uint8_t late;
    uint32_t reserved;
    struct am_ledger_position position;
    uint8_t note[AM_LEDGER_NOTE_BYTES];
};
_Static_assert(sizeof(struct am_ledger_event) == 64, "an event is one cache line");
_Static_assert(sizeof(struct am_ledger_queued) == 256, "an event in the queue");

struct am_ledger_slot {
    uint32_t state;  /* enum am_ledger_slot_state */
    uint32_t member; /* of the process that has it */
    uint32_t op;     /* enum am_ledger_op */
    uint32_t turn;   /* of its operations: tells one from the next */
    uint64_t sequence;
    uint32_t cells[AM_LEDGER_KINDS];
    uint32_t others[AM_LEDGER_KINDS]; /* of an event's placement, where its ad changed campaign */
    uint8_t padding0[16];

    uint64_t head;
    uint8_t padding1[56];

    uint64_t tail;
    struct am_ledger_position position; /* of the last event folded */
    uint32_t has_position;
    uint32_t reserved;
    uint8_t padding2[32];

    uint64_t decisions;
    uint64_t decisions_seen; /* by the step */
    uint8_t padding3[48];

    struct am_ledger_queued queue[AM_LEDGER_LIVE_QUEUE];
};
_Static_assert(sizeof(struct am_ledger_slot) == 256 + AM_LEDGER_LIVE_QUEUE * 256, "a slot");
_Static_assert(offsetof(struct am_ledger_slot, head) == 64 &&
                   offsetof(struct am_ledger_slot, tail) == 128 &&
                   offsetof(struct am_ledger_slot, decisions) == 192,
               "who writes has a line");

struct am_ledger_member {
    pthread_mutex_t alive; /* robust; held by a thread of the process while it lives */
    uint32_t used;
    uint32_t pid; /* for messages */
    uint8_t padding[128 - sizeof(pthread_mutex_t) - 8];
};
_Static_assert(sizeof(struct am_ledger_member) == 128, "a member");

/* ---- interned items -----------------------------------------------------------------------------
 */

/* In front of every item of a pool. */
struct am_ledger_item {
    uint64_t hash;
    uint32_t next; /* of its chain, or of the list of free items */
    uint32_t used;
};

struct am_ledger_curve {
    struct am_ledger_item item;
    uint32_t weights[AM_PACE_HOURS];
};

struct am_ledger_hours {
    struct am_ledger_item item;
    struct am_pace_hours hours;
    uint8_t padding[8];
};

struct am_ledger_schedule {
    struct am_ledger_item item;
    uint8_t kind; /* enum am_pace_curve_kind */
    uint8_t reserved[3];
    uint32_t curve; /* or AM_LEDGER_NO_INDEX: 1 each */
    uint32_t hours; /* or AM_LEDGER_NO_INDEX: all */
    uint16_t zone;  /* of the weights */
    uint16_t hours_zone;
};
_Static_assert(sizeof(struct am_ledger_curve) == 688 && sizeof(struct am_ledger_hours) == 1288 &&
                   sizeof(struct am_ledger_schedule) == 32,
               "interned items");

struct am_ledger_cap_set {
    struct am_ledger_item item;
    uint32_t count;
    uint32_t periods[AM_LEDGER_CAPS_MAX];
    uint32_t reserved;
};
_Static_assert(sizeof(struct am_ledger_cap_set) == 64, "a set of caps");

/* A zone that records use, and its running day: enough to find the day of an event without the
 * database of zones. */
struct am_ledger_zone {
    char name[AM_LEDGER_LIVE_ZONE_NAME]; /* "": UTC */
    int64_t start, end;                  /* of `day` */
    int64_t next_end;                    /* of `next_day`, which begins at `end` */
    int32_t day, next_day;
    int32_t offset; /* seconds east of UTC, at the last step */
    uint8_t padding[28];
};
_Static_assert(sizeof(struct am_ledger_zone) == 128, "a zone");

/* ---- the header
 * -----------------------------------------------------------------------------------
 */

enum am_ledger_pool_id {
    AM_LEDGER_POOL_SCHEDULES,
    AM_LEDGER_POOL_CURVES,
    AM_LEDGER_POOL_HOURS,
    AM_LEDGER_POOL_CAP_SETS,
    AM_LEDGER_POOLS
};

enum am_ledger_section {
    AM_LEDGER_SECTION_HEADER,
    AM_LEDGER_SECTION_MEMBERS,
    AM_LEDGER_SECTION_SLOTS,
    AM_LEDGER_SECTION_STATES,
    AM_LEDGER_SECTION_PLACEMENTS,
    AM_LEDGER_SECTION_CALLERS,
    AM_LEDGER_SECTION_DIRECTORY,
    AM_LEDGER_SECTION_ZONES,
    AM_LEDGER_SECTION_HEADS, /* of the pools' chains, one pool after the other */
    AM_LEDGER_FIXED_SECTIONS,
    AM_LEDGER_SECTION_RECORDS = AM_LEDGER_FIXED_SECTIONS,
    AM_LEDGER_SECTION_LIMITS,
    AM_LEDGER_SECTION_TEXTS,
    AM_LEDGER_SECTION_POOLS, /* AM_LEDGER_POOLS sections */
    AM_LEDGER_LIVE_SECTIONS = AM_LEDGER_SECTION_POOLS + AM_LEDGER_POOLS,
};

/* Never changes after the file was made; all places follow from it: am_ledger_live_places. */
struct am_ledger_live_geometry {
    uint64_t size; /* of the file */
    uint32_t cells, limits, placements, slots, texts, pools[AM_LEDGER_POOLS];
    uint32_t mutex_size; /* of pthread_mutex_t: differs between C libraries */
    char currency[4];
    uint16_t host, epoch;
    uint32_t reserved;
};

enum am_ledger_live_state {
    AM_LEDGER_LIVE_RECOVERING = 1, /* snapshot loaded; the log is being replayed */
    AM_LEDGER_LIVE_READY,
    AM_LEDGER_LIVE_LOST, /* unlinked or replaced: nothing may run from it */
};

struct am_ledger_redo_item {
    uint64_t at; /* offset in the file; bit 0: eight bytes, else four */
    uint64_t value;
};

struct am_ledger_redo {
    uint32_t valid;
    uint32_t count;
    struct am_ledger_redo_item items[AM_LEDGER_LIVE_REDO];
};

struct am_ledger_pool_head {
    uint32_t used; /* items ever taken: those behind are untouched */
    uint32_t free; /* list, by item.next */
};

/* Decisions by hour of the week in UTC, newest week first. */
struct am_ledger_traffic_counts {
    int64_t hour;     /* since 1970, that is being counted; 0: none */
    uint32_t seconds; /* of it in which a step ran */
    uint32_t samples; /* bit w of samples_of[h] */
    uint64_t decisions;
    uint32_t counts[AM_LEDGER_LIVE_WEEKS][AM_PACE_HOURS];
    uint8_t samples_of[AM_PACE_HOURS]; /* how many of counts[..][h] there are */
};

struct am_ledger_live_header {
    char magic[8];
    uint32_t version;
    uint32_t header_size;
    uint64_t checksum; /* XXH3-64 of the geometry */
    struct am_ledger_live_geometry geometry;
    uint8_t padding0[32];

    uint32_t state;   /* enum am_ledger_live_state */
    uint32_t frozen;  /* a repair is under way: no operation may begin */
    int64_t stepped;  /* the last step */
    int64_t reached;  /* the latest time of a step so far */
    uint32_t terms;   /* goes up when limits are made, removed or paused: maps look */
    uint32_t unsaved; /* 1: recovered, and the disk takes no snapshot: limited ads stop */
    uint8_t padding1[32];

    uint64_t sequence;
    uint8_t padding2[56];

    uint64_t missed[AM_LEDGER_LIVE_SLOTS_MAX / 64]; /* slots whose fold found the lock taken */
    pthread_mutex_t lock;
    uint8_t padding3[128 - sizeof(pthread_mutex_t)];

    int64_t published; /* the last publication; 0: none since the file was made */
    uint8_t published_digest[16];
    uint32_t mark;    /* counts publications */
    uint32_t resumed; /* some records may have AM_LEDGER_RECORD_RESUMED */
    uint32_t records_used, records_free, records_live;
    uint32_t removals; /* from the directory: a search that missed looks again when it changed */
    uint32_t limits_used, limits_free;
    uint32_t texts_used; /* units */
    uint32_t texts_free[AM_LEDGER_LIVE_TEXT_CLASSES];
    uint32_t zones_used;
    uint32_t pools_dirty; /* a sweep was begun and not ended */
    struct am_ledger_pool_head pools[AM_LEDGER_POOLS];
    uint64_t grown[AM_LEDGER_LIVE_SECTIONS]; /* bytes allocated of each growing section */
    struct am_ledger_traffic_counts traffic;
    struct am_ledger_redo redo;
};
enum { AM_LEDGER_LIVE_HEADER = 16384 };
_Static_assert(sizeof(struct am_ledger_live_header) <= AM_LEDGER_LIVE_HEADER, "the header");

#endif
