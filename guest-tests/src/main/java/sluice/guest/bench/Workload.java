package sluice.guest.bench;

import java.util.Locale;

import org.jspecify.annotations.Nullable;

/** What is measured, and what we hold ourselves to. The names are those of {@code peers.c}. */
enum Workload {
    /** From exec to a socket that accepts. */
    FRESH_START("exec to a socket that accepts", Unit.MILLIS, null, 200.0),
    /** From exec to the answer to the first request of a front-end that connects as soon as it can. */
    FRESH_ANSWER("exec to the first answer", Unit.MILLIS, null),
    /** The resident memory of a process that nobody has connected to. */
    FRESH_RESIDENT("resident, idle", Unit.MIB, null, 90.0),
    /** The very first ATTACH_BACKING: a 1080p screen in single pages. */
    FRESH_ATTACH("first attach of 2025 entries", Unit.TIME, null, 3000.0),
    /** The first 2,000 TRANSFERs of one pixel; the next when the interrupt has come. */
    FRESH_SINGLE("first 2,000 single commands, p50", Unit.TIME, null),
    /** The same. */
    FRESH_SINGLE_P99("first 2,000 single commands, p99", Unit.TIME, 5.0),
    /** As {@link #FLIGHT}. */
    FRESH_FLIGHT("small commands, 32 in flight", Unit.RATE, null),
    /** As {@link #FLIGHT_NO_EVENT_IDX}. */
    FRESH_FLIGHT_NO_EVENT_IDX("small commands, 32 in flight, no EVENT_IDX", Unit.RATE, null),
    /** As {@link #FHD_SCATTERED}. */
    FRESH_FHD("first 200 1080p frames, single pages", Unit.RATE, 1.0),
    /** As {@link #UHD_SCATTERED}. */
    FRESH_UHD("first 100 4K frames, single pages", Unit.RATE, null),
    /** As {@link #DAMAGE}. */
    FRESH_DAMAGE("64×64 damage, one at a time", Unit.RATE, 0.8),
    /** A TRANSFER of one pixel; the next when the interrupt has come. */
    SINGLE("single command, p50", Unit.TIME, 0.8),
    /** The same. */
    SINGLE_P99("single command, p99", Unit.TIME, 1.2),
    /** The guest polls the used ring, so only its kick causes a wake-up. */
    SINGLE_SPIN("single command, p50, guest spins", Unit.TIME, null),
    /**
     * The guest sleeps until an interrupt, takes back all that is used, and refills the queue with one kick; both sides
     * name the entry at which they want to be notified, as Linux does on QEMU.
     */
    FLIGHT("small commands, 32 in flight", Unit.RATE, 5.0),
    /** The same without VIRTIO_F_EVENT_IDX: the peer interrupts at each used entry. */
    FLIGHT_NO_EVENT_IDX("small commands, 32 in flight, no EVENT_IDX", Unit.RATE, 5.0),
    /** TRANSFER and FLUSH of the whole screen; the backing is single pages, no two adjacent. */
    FHD_SCATTERED("1080p frames, single pages", Unit.RATE, 1.2),
    /** The same over runs of 16 pages. */
    FHD_RUNS("1080p frames, 16-page runs", Unit.RATE, 1.2),
    /** The same over one run. */
    FHD_WHOLE("1080p frames, one run", Unit.RATE, 1.2),
    /** 3840×2160. */
    UHD_SCATTERED("4K frames, single pages", Unit.RATE, 1.2),
    /** The same over runs of 16 pages. */
    UHD_RUNS("4K frames, 16-page runs", Unit.RATE, 1.2),
    /** The same over one run. */
    UHD_WHOLE("4K frames, one run", Unit.RATE, 1.2),
    /** TRANSFER and FLUSH of a small rectangle; the next when the interrupt has come. */
    DAMAGE("64×64 damage, one at a time", Unit.RATE, 1.2),
    /** Sixteen such pairs under way. */
    DAMAGE_FLIGHT("64×64 damage, 16 in flight", Unit.RATE, 1.2),
    /** ATTACH_BACKING of a 1080p screen in single pages. */
    ATTACH("attach of 2025 entries, p50", Unit.TIME, 1.5),
    /** SET_SCANOUT_BLOB and RESOURCE_FLUSH of all of it; the next when the interrupt has come. The peer copies: {@link #FHD_WHOLE}. */
    BLOB_64("page flip of a 64×64 blob", Unit.RATE, 20.0),
    /** The same at 1920×1080. */
    BLOB_1080P("page flip of a 1080p blob", Unit.RATE, 20.0),
    /** The same at 3840×2160. */
    BLOB_4K("page flip of a 4K blob", Unit.RATE, 20.0),
    /** RESOURCE_CREATE_BLOB of guest memory, 1080p in single pages. The peer attaches: {@link #ATTACH}. */
    BLOB_CREATE("create of a blob of 2025 entries, p50", Unit.TIME, 2.0);

    /** What the value is. */
    enum Unit {
        /** Operations a second: more is better. */
        RATE("/s"),
        /** Microseconds: less is better. */
        TIME("µs"),
        /** Milliseconds: less is better. */
        MILLIS("ms"),
        /** Less is better. */
        MIB("MiB");

        private final String text;

        Unit(String text) {
            this.text = text;
        }
    }

    /** How much slower than the limit measured beside it a frame may be. */
    static final double LIMIT_BAR = 1.15;
    /** What damage has to reach with polling. */
    private static final double POLLED_DAMAGE_BAR = 1.5;

    final String label;
    final Unit unit;
    /** Our value divided by the peer's: at least this for a rate, at most this for a time; null if it is only reported. */
    final @Nullable Double bar;
    /** What our value must reach whatever the peer does; null if it is compared only. */
    final @Nullable Double own;

    Workload(String label, Unit unit, @Nullable Double bar) {
        this(label, unit, bar, null);
    }

    Workload(String label, Unit unit, @Nullable Double bar, @Nullable Double own) {
        this.label = label;
        this.unit = unit;
        this.bar = bar;
        this.own = own;
    }

    /** What {@code peers.c} calls it. */
    String wireName() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-').replace("fhd", "1080p").replace("uhd", "4k");
    }

    /** Whether each round has a back-end of its own that has just started. */
    boolean isFresh() {
        return name().startsWith("FRESH");
    }

    /** Whether it is about the process alone: the front-end of the other workloads does not take part. */
    boolean isOfProcess() {
        return this == FRESH_START || this == FRESH_ANSWER || this == FRESH_RESIDENT;
    }

    /** Whether it needs a back-end with blobs, which the peer has not: its workload is {@link #ofPeer}. */
    boolean isOfBlobs() {
        return name().startsWith("BLOB");
    }

    /** Whether its front-end does not negotiate VIRTIO_F_EVENT_IDX. */
    boolean isWithoutEventIdx() {
        return name().endsWith("NO_EVENT_IDX");
    }

    /** What the peer does beside it. */
    Workload ofPeer() {
        if (!isOfBlobs()) return this;
        return this == BLOB_CREATE ? ATTACH : FHD_WHOLE;
    }

    /** The workload that measures the least a frame of this size can cost, or null. */
    @Nullable
    String limitName() {
        String name = wireName();
        return isFrames() ? name.substring(0, name.indexOf('-')) + "-limit" : null;
    }

    boolean isFrames() {
        return name().startsWith("FHD") || name().startsWith("UHD");
    }

    /** What our value with polling must reach, of the peer's. */
    @Nullable
    Double polledBar() {
        return this == DAMAGE || this == DAMAGE_FLIGHT ? Double.valueOf(POLLED_DAMAGE_BAR) : bar;
    }

    /** Whether a ratio of medians, or our median, meets a bar. */
    boolean meets(double value, double wanted) {
        return unit == Unit.RATE ? value >= wanted : value <= wanted;
    }

    /** A bar as it is printed. */
    String barText(double wanted) {
        return (unit == Unit.RATE ? "≥ " : "≤ ") + wanted;
    }

    String unitText() {
        return unit.text;
    }
}
