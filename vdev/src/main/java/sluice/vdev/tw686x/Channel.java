package sluice.vdev.tw686x;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.iommu.AddressRange;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.video.ExportedPicture;

/**
 * A channel: writes its pictures alternately into buffers P and B, as configured by its registers. The card writes into
 * a buffer again at its next turn, even if the driver has not replaced it; see {@code hold} of {@link Tw686x}.
 */
final class Channel {
    /** The outcome of a picture. */
    enum Outcome {
        WRITTEN,
        /** Skipped, because the driver has requested a lower rate. */
        LEFT_OUT,
        /** The driver has not replaced the buffer of this turn since it was filled; the turn ends nevertheless. */
        HELD,
        /** An address was not accessible. */
        ADDRESS_ERROR,
        /** The configuration is not supported. */
        UNSUPPORTED
    }

    /** DMA modes: by lists of pages, field by field; or whole pictures to one address. */
    private static final int BY_LIST = 0;
    private static final int WHOLE = 2;
    private static final int WRITING_MASK = 3;

    private static final int FIRST_ENTRY_MASK = 0x3ff;
    private static final int LAST_ENTRY = 10;
    private static final int FORMAT = 20;
    private static final int FORMAT_MASK = 7;
    private static final int LINE_MASK = 0x7ff;
    private static final int DISTANCE = 11;
    private static final int FIELD_LINES = 22;
    /** Lines must have room for the numbers of {@link sluice.vdev.video.NumberedLines}. */
    private static final int SHORTEST_LINE = 16;

    private final int number;
    private final Chip chip;
    private final int[] registers;
    private final Painter painter;
    private final boolean hold;
    private final PageList list = new PageList();
    private @Nullable ExportedPicture exported;
    /** Of a picture whose lines are apart: pairs of an address and a length. */
    private long[] rows = new long[0];
    /** Whether P, and B, was written by the driver since it was filled last. */
    private final boolean[] given = new boolean[2];
    private long frames;
    private boolean second;

    /**
     * A channel.
     *
     * @param registers of the card
     * @param hold whether to fill a buffer only once for each time that the driver writes it
     */
    Channel(int number, Chip chip, int[] registers, Painter painter, boolean hold) {
        this.number = number;
        this.chip = chip;
        this.registers = registers;
        this.painter = painter;
        this.hold = hold;
    }

    /** The driver has written the address of a buffer. */
    void addressed(boolean bufferB) {
        given[bufferB ? 1 : 0] = true;
    }

    /** Other devices of the process find its last picture from now on. */
    void export(ExportedPicture object) {
        exported = object;
    }

    /** A range of bus addresses was unmapped. */
    void unmapped(AddressRange range) {
        if (exported != null) exported.unmapped(range);
    }

    /** DMA is disabled, so P is next, and the driver may free its buffers. */
    void stopped() {
        second = false;
        if (exported != null) exported.end();
    }

    /** Restarts with picture 0. */
    void reset() {
        stopped();
        frames = 0;
        given[0] = false;
        given[1] = false;
    }

    /** Whether its rate is 25 pictures per second instead of 30. */
    boolean isFifty() {
        return (registers[Registers.VIDEO_CONTROL] >>> (Registers.FIFTY_FIELDS + number) & 1) != 0;
    }

    /** Whether the next buffer is B. */
    boolean isSecond() {
        return second;
    }

    /** Captures the next picture. Unless it is skipped or unsupported, switches to the other buffer. */
    Outcome take(FunctionContext context) {
        long frame = frames++;
        if (!isWanted(frame)) return Outcome.LEFT_OUT;
        int configuration = registers[Registers.channelConfiguration(number)];
        PixelFormat format = PixelFormat.of(configuration >>> FORMAT & FORMAT_MASK);
        int size = registers[Registers.size(number)];
        int line = size & LINE_MASK;
        int height = 2 * (size >>> FIELD_LINES);
        if (format == null || line < SHORTEST_LINE || line % PixelFormat.BYTES != 0 || height == 0)
            return Outcome.UNSUPPORTED;
        Outcome outcome = switch (registers[Registers.PHASE] >>> (Registers.WRITING + 2 * number) & WRITING_MASK) {
            case BY_LIST -> byList(context, configuration, painter.fields(frame, format, line, height), line * height);
            case WHOLE -> whole(context, painter.lines(frame, format, line, height), line,
                    size >>> DISTANCE & LINE_MASK, height);
            default -> Outcome.UNSUPPORTED;
        };
        if (outcome != Outcome.UNSUPPORTED) second = !second;
        return outcome;
    }

    /** The register has one bit for each picture of a second. */
    private boolean isWanted(long frame) {
        int control = registers[Registers.fieldControl(number)];
        return control >= 0
                || (control >>> frame % (isFifty() ? Tw686x.FRAMES_OF_50_HZ : Tw686x.FRAMES_OF_60_HZ) & 1) != 0;
    }

    private Outcome byList(FunctionContext context, int configuration, MemorySegment picture, int length) {
        long table = Integer
                .toUnsignedLong(registers[Registers.list(chip.sharesLists() ? 0 : number) + (second ? 1 : 0)]);
        if (!list.read(context, table, configuration & FIRST_ENTRY_MASK,
                configuration >>> LAST_ENTRY & FIRST_ENTRY_MASK))
            return Outcome.ADDRESS_ERROR;
        if (hold && !list.begins()) return Outcome.HELD;
        if (!list.write(context, picture, length)) return Outcome.ADDRESS_ERROR;
        if (hold) list.strike(context);
        if (exported != null) exported.delivered(context.memory(), list.written(), list.writtenCount());
        return Outcome.WRITTEN;
    }

    private Outcome whole(FunctionContext context, MemorySegment picture, int line, int distance, int height) {
        int turn = second ? 1 : 0;
        if (hold && !given[turn]) return Outcome.HELD;
        long address = Integer
                .toUnsignedLong(registers[second ? Registers.bufferB(number) : Registers.bufferP(number)]);
        // Contiguous lines are one access.
        int accesses = distance == line ? 1 : height;
        long length = distance == line ? (long) line * height : line;
        if (rows.length < 2 * accesses) rows = new long[2 * accesses];
        for (int i = 0; i < accesses; i++) {
            rows[2 * i] = address + (long) i * distance;
            rows[2 * i + 1] = length;
            if (context.write(rows[2 * i], picture, (long) i * line, length) != FunctionContext.Dma.DONE)
                return Outcome.ADDRESS_ERROR;
        }
        given[turn] = false;
        if (exported != null) exported.delivered(context.memory(), rows, accesses);
        return Outcome.WRITTEN;
    }

    /** The configuration, for the log. */
    @Override
    public String toString() {
        return "channel %d: configuration 0x%08x, size 0x%08x, phase 0x%08x".formatted(number,
                registers[Registers.channelConfiguration(number)], registers[Registers.size(number)],
                registers[Registers.PHASE]);
    }
}
