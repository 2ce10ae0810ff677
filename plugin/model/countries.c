/* SPDX-License-Identifier: Apache-2.0 */
/* ISO 3166-1: codes of three letters, and those of two that mean the same. XKX, of the range that
 * ISO leaves to its users, is what exchanges call Kosovo. */
#include "countries.h"

#include <strings.h>

/* Three letters, then two; ascending. */
static const char countries[][6] = {
    "ABWAW", "AFGAF", "AGOAO", "AIAAI", "ALAAX", "ALBAL", "ANDAD", "AREAE", "ARGAR", "ARMAM",
    "ASMAS", "ATAAQ", "ATFTF", "ATGAG", "AUSAU", "AUTAT", "AZEAZ", "BDIBI", "BELBE", "BENBJ",
    "BESBQ", "BFABF", "BGDBD", "BGRBG", "BHRBH", "BHSBS", "BIHBA", "BLMBL", "BLRBY", "BLZBZ",
    "BMUBM", "BOLBO", "BRABR", "BRBBB", "BRNBN", "BTNBT", "BVTBV", "BWABW", "CAFCF", "CANCA",
    "CCKCC", "CHECH", "CHLCL", "CHNCN", "CIVCI", "CMRCM", "CODCD", "COGCG", "COKCK", "COLCO",
    "COMKM", "CPVCV", "CRICR", "CUBCU", "CUWCW", "CXRCX", "CYMKY", "CYPCY", "CZECZ", "DEUDE",
    "DJIDJ", "DMADM", "DNKDK", "DOMDO", "DZADZ", "ECUEC", "EGYEG", "ERIER", "ESHEH", "ESPES",
    "ESTEE", "ETHET", "FINFI", "FJIFJ", "FLKFK", "FRAFR", "FROFO", "FSMFM", "GABGA", "GBRGB",
    "GEOGE", "GGYGG", "GHAGH", "GIBGI", "GINGN", "GLPGP", "GMBGM", "GNBGW", "GNQGQ", "GRCGR",
    "GRDGD", "GRLGL", "GTMGT", "GUFGF", "GUMGU", "GUYGY", "HKGHK", "HMDHM", "HNDHN", "HRVHR",
    "HTIHT", "HUNHU", "IDNID", "IMNIM", "INDIN", "IOTIO", "IRLIE", "IRNIR", "IRQIQ", "ISLIS",
    "ISRIL", "ITAIT", "JAMJM", "JEYJE", "JORJO", "JPNJP", "KAZKZ", "KENKE", "KGZKG", "KHMKH",
    "KIRKI", "KNAKN", "KORKR", "KWTKW", "LAOLA", "LBNLB", "LBRLR", "LBYLY", "LCALC", "LIELI",
    "LKALK", "LSOLS", "LTULT", "LUXLU", "LVALV", "MACMO", "MAFMF", "MARMA", "MCOMC", "MDAMD",
    "MDGMG", "MDVMV", "MEXMX", "MHLMH", "MKDMK", "MLIML", "MLTMT", "MMRMM", "MNEME", "MNGMN",
    "MNPMP", "MOZMZ", "MRTMR", "MSRMS", "MTQMQ", "MUSMU", "MWIMW", "MYSMY", "MYTYT", "NAMNA",
    "NCLNC", "NERNE", "NFKNF", "NGANG", "NICNI", "NIUNU", "NLDNL", "NORNO", "NPLNP", "NRUNR",
    "NZLNZ", "OMNOM", "PAKPK", "PANPA", "PCNPN", "PERPE", "PHLPH", "PLWPW", "PNGPG", "POLPL",
    "PRIPR", "PRKKP", "PRTPT", "PRYPY", "PSEPS", "PYFPF", "QATQA", "REURE", "ROURO", "RUSRU",
    "RWARW", "SAUSA", "SDNSD", "SENSN", "SGPSG", "SGSGS", "SHNSH", "SJMSJ", "SLBSB", "SLESL",
    "SLVSV", "SMRSM", "SOMSO", "SPMPM", "SRBRS", "SSDSS", "STPST", "SURSR", "SVKSK", "SVNSI",
    "SWESE", "SWZSZ", "SXMSX", "SYCSC", "SYRSY", "TCATC", "TCDTD", "TGOTG", "THATH", "TJKTJ",
    "TKLTK", "TKMTM", "TLSTL", "TONTO", "TTOTT", "TUNTN", "TURTR", "TUVTV", "TWNTW", "TZATZ",
    "UGAUG", "UKRUA", "UMIUM", "URYUY", "USAUS", "UZBUZ", "VATVA", "VCTVC", "VENVE", "VGBVG",
    "VIRVI", "VNMVN", "VUTVU", "WLFWF", "WSMWS", "XKXXK", "YEMYE", "ZAFZA", "ZMBZM", "ZWEZW",
};

enum { LONG_SIZE = 3, SHORT_SIZE = 2 };

static void upper_case(struct am_view code, char *upper) {
    for (size_t i = 0; i < code.size; i++)
        upper[i] = code.data[i] >= 'a' && code.data[i] <= 'z' ? (char)(code.data[i] - 'a' + 'A')
                                                              : code.data[i];
}

static struct am_view find_long(const char *code) {
    size_t low = 0, high = AM_COUNT_OF(countries);
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = memcmp(countries[middle], code, LONG_SIZE);
        if (order == 0)
            return (struct am_view){countries[middle] + LONG_SIZE, SHORT_SIZE};
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return (struct am_view){NULL, 0};
}

static struct am_view find_short(const char *code) {
    for (size_t i = 0; i < AM_COUNT_OF(countries); i++)
        if (memcmp(countries[i] + LONG_SIZE, code, SHORT_SIZE) == 0)
            return (struct am_view){countries[i] + LONG_SIZE, SHORT_SIZE};
    return (struct am_view){NULL, 0};
}

struct am_view am_model_country_short(struct am_view code) {
    char upper[LONG_SIZE];
    if (code.size != LONG_SIZE && code.size != SHORT_SIZE)
        return (struct am_view){NULL, 0};
    upper_case(code, upper);
    return code.size == LONG_SIZE ? find_long(upper) : find_short(upper);
}

/* ---- what is written in place of a code -------------------------------------------------------
 */

struct am_view am_model_country_read_as(struct am_view code) {
    if (code.size != SHORT_SIZE)
        return code;
    if (strncasecmp(code.data, "uk", SHORT_SIZE) == 0)
        return AM_VIEW("gb");
    return strncasecmp(code.data, "el", SHORT_SIZE) == 0 ? AM_VIEW("gr") : code;
}

/* Languages, old codes and beginnings of names that are no countries' codes; and the countries. */
static const char mistaken[][4] = {
    "CSCZ", "DADK", "ELGR", "ENGB", "JAJP", "KOKR", "NBNO", "POPL",
    "SFFI", "SPES", "SWSE", "TPTL", "UKGB", "ZHCN", "ZRCD",
};

struct am_view am_model_country_meant(struct am_view code) {
    char upper[SHORT_SIZE];
    if (code.size != SHORT_SIZE)
        return (struct am_view){NULL, 0};
    upper_case(code, upper);
    for (size_t i = 0; i < AM_COUNT_OF(mistaken); i++)
        if (memcmp(mistaken[i], upper, SHORT_SIZE) == 0)
            return (struct am_view){mistaken[i] + SHORT_SIZE, SHORT_SIZE};
    return (struct am_view){NULL, 0};
}
