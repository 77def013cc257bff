package sluice.vdev.vfg7350;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.device.Counter;
import sluice.vdev.device.FunctionClock;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;

/**
 * The card as a PCI function: registers, and a clock; at each tick the transport stream port fills a buffer while
 * enabled by the driver. Two addresses alternate.
 *
 * <p>The real card continues with the last address. This one fills one buffer for each pair of addresses written by the
 * driver; otherwise a slow guest would see changes in a buffer that it has taken already. A driver that is out of step,
 * for example after a timeout, ignores a buffer of the wrong turn; after {@link #PATIENCE_NANOS} the card switches to
 * the other address, as the real card would.
 */
public final class Vfg7350 implements PciFunction {
    private static final int BAR_BYTES = 4096;
    private static final int PAGE = 4096;
    private static final int ENTRY_BYTES = 4;

    /** Transport stream port: enable in bit 7; packets per buffer minus one in 22 bits. */
    private static final int PORT_CONTROL = 0x1a0;
    private static final int PORT_ENABLED = 1 << 7;
    private static final int PORT_PACKETS = 0x1a4;
    private static final int PORT_PACKETS_MASK = 0x3f_ffff;
    private static final int I2C = 0x180;
    /** DMA channel 5: two base offsets into the space of its page table, and the table's page. */
    private static final int FIRST_BASE = 0x250;
    private static final int SECOND_BASE = 0x254;
    private static final int CHANNEL_CONTROL = 0x25c;
    private static final int TABLE_PAGE_MASK = 0xf_ffff;
    private static final int MAIN_CONTROL = 0x2a8;
    private static final int CHANNEL_ENABLED = 1 << 5;
    /** Interrupts: enable, status (write-1-to-clear), and which of the two buffers it was. */
    private static final int INTERRUPT_ENABLES = 0x2c4;
    private static final int INTERRUPT_REPORT = 0x2cc;
    private static final int CHANNEL_DONE = 1 << 2;
    private static final int INTERRUPT_STATUS = 0x2d0;
    private static final int STATUS_SECOND = 1 << 20;
    /** Resets what is behind the card while bit 0 is clear: the encoder. */
    private static final int SPECIAL_MODE = 0x1d0;
    private static final int RELEASED = 1;
    /** State of the audio processor: always ready. */
    private static final int AUDIO_STATE = 0x580;
    private static final int AUDIO_READY = 7;

    /** Limit of a buffer: a driver's has 12 KiB, but the register allows 788 MB. */
    private static final int MOST_PACKETS = 1 << 14;
    /** Shortest time between two buffers: a driver may request buffers of one packet, and the loop has other work. */
    private static final long SHORTEST_NANOS = 50_000;
    /** Time limit for the driver's reaction to a filled buffer; Linux's driver gives a buffer up after 1 s. */
    private static final long PATIENCE_NANOS = 700_000_000;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final Logger LOG = LoggerFactory.getLogger(Vfg7350.class);

    private final List<Bar> bars = List.of(Bar.registers(0, BAR_BYTES));
    private final ConfigSpace config = new ConfigLayout(0x1131, 0x7133, 0x048000, 0xd1).subsystem(0x1435, 0x7350)
            .bars(bars).interruptPin(1).build();
    private final byte[] registers = new byte[BAR_BYTES];
    private final MemorySegment values = MemorySegment.ofArray(registers);
    private final EncoderChip encoder = new EncoderChip();
    private final I2cMaster i2c = new I2cMaster(encoder);
    private final PacketSource source;
    private final long bitsPerSecond;
    private final MemorySegment entry = MemorySegment.ofArray(new byte[ENTRY_BYTES]);
    private byte[] packets = new byte[0];
    private MemorySegment bytes = MemorySegment.ofArray(packets);
    private @Nullable FunctionContext context;
    private final FunctionClock clock = new FunctionClock();
    private int clockPackets;
    private long clockRate;
    private int report;
    /** Whether the source was told that the encoder runs. */
    private boolean encoderRuns;
    /** Whether the driver has written addresses since the last buffer was filled. */
    private boolean armed;
    private boolean second;
    /** If not, whether the next address was written together with that of the buffer filled last. */
    private boolean given;
    private long filledAt;
    private boolean tooLongTold;
    private final Counter buffers = new Counter();
    private final Counter waits = new Counter();
    private final Counter errors = new Counter();

    /** @param bitsPerSecond of the stream if its source has no rate of its own, 1000 to 1,000,000,000 */
    public Vfg7350(PacketSource source, long bitsPerSecond) {
        if (bitsPerSecond < 1000 || bitsPerSecond > 1_000_000_000)
            throw new IllegalArgumentException(bitsPerSecond + " bits per second; give 1000 to 1000000000");
        this.source = source;
        this.bitsPerSecond = bitsPerSecond;
    }

    /** Registers its counters. */
    void register(Report counted) {
        counted.counter("buffers", "buffers", "Filled with packets.", buffers);
        counted.counter("waits", "ticks", "At which the driver had given no new buffer.", waits);
        counted.counter("addressErrors", "buffers", "That ended at an address that could not be read or written.",
                errors);
        counted.counter("encoder.unknown", "messages", "To the encoder that it does not know.", encoder.unknown());
        if (source instanceof EncodedPackets encoded) encoded.register(counted);
    }

    @Override
    public ConfigSpace config() {
        return config;
    }

    @Override
    public List<Bar> bars() {
        return bars;
    }

    @Override
    public void start(FunctionContext given) {
        context = given;
    }

    // ---- registers

    @Override
    public long read(int bar, long offset, int size) {
        long value = 0;
        for (int i = 0; i < size; i++) value |= (long) byteAt((int) offset + i) << (Byte.SIZE * i);
        return value;
    }

    private int byteAt(int offset) {
        int shift = Byte.SIZE * (offset & 3);
        if (offset == I2C) return i2c.status();
        return switch (offset & -4) {
            case INTERRUPT_REPORT -> report >>> shift & 0xff;
            case INTERRUPT_STATUS -> (second ? 0 : STATUS_SECOND) >>> shift & 0xff;
            case AUDIO_STATE -> AUDIO_READY >>> shift & 0xff;
            case I2C -> offset == I2C + 1 ? i2c.data() : 0;
            default -> registers[offset] & 0xff;
        };
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        int at = (int) offset;
        if ((at & -4) == INTERRUPT_REPORT) {
            report &= ~((int) value << (Byte.SIZE * (at & 3)));
            drive();
            return;
        }
        for (int i = 0; i < size; i++) registers[at + i] = (byte) (value >>> (Byte.SIZE * i));
        switch (at & -4) {
            case I2C -> {
                // The data byte alone is not a command; a command without it reads.
                if (at == I2C) i2c.command((int) value, size > 1);
                encoderChanged();
            }
            case SPECIAL_MODE -> {
                if ((registers[SPECIAL_MODE] & RELEASED) == 0) encoder.reset();
                encoderChanged();
            }
            // The addresses are written together, this one last: with the first alone, the card would be ahead of its
            // driver.
            case SECOND_BASE -> armed = true;
            case PORT_CONTROL, PORT_PACKETS, MAIN_CONTROL -> runOrStop();
            case INTERRUPT_ENABLES -> drive();
            default -> {
            }
        }
    }

    private void encoderChanged() {
        if (!encoder.takeChange()) return;
        boolean runs = encoder.isRunning();
        if (!runs && !encoderRuns) return;
        encoderRuns = runs;
        source.encoder(runs ? encoder.settings() : null);
        runOrStop();
    }

    private int get(int register) {
        return values.get(INT, register);
    }

    private void drive() {
        FunctionContext present = context;
        if (present != null) present.assertInterrupt(report != 0 && get(INTERRUPT_ENABLES) != 0);
    }

    // ---- the transport stream port

    private void runOrStop() {
        boolean open = (get(PORT_CONTROL) & PORT_ENABLED) != 0;
        // The addresses continue to alternate while only the channel is off, as when the driver has no buffer.
        if (!open) {
            second = false;
            given = false;
        }
        boolean run = open && (get(MAIN_CONTROL) & CHANNEL_ENABLED) != 0;
        int count = packetsOfABuffer();
        long rate = source.bitsPerSecond() == 0 ? bitsPerSecond : source.bitsPerSecond();
        if (!run || count != clockPackets || rate != clockRate) clock.stop();
        FunctionContext present = context;
        if (!run || clock.isRunning() || present == null) return;
        clockPackets = count;
        clockRate = rate;
        long bits = (long) count * PacketSource.PACKET_BYTES * Byte.SIZE;
        clock.start(present, Math.max(SHORTEST_NANOS, bits * 1_000_000_000 / rate), () -> tick(present));
    }

    private int packetsOfABuffer() {
        int count = (get(PORT_PACKETS) & PORT_PACKETS_MASK) + 1;
        if (count > MOST_PACKETS && !tooLongTold) {
            tooLongTold = true;
            LOG.warn("a buffer of {} packets is filled with {}, the most there may be", count, MOST_PACKETS);
        }
        return Math.min(count, MOST_PACKETS);
    }

    /** A tick: fills a buffer. */
    private void tick(FunctionContext present) {
        if ((report & CHANNEL_DONE) != 0 || !(armed || isPassedOver())) {
            waits.increment();
            return;
        }
        int length = clockPackets * PacketSource.PACKET_BYTES;
        if (packets.length < length) {
            packets = new byte[length];
            bytes = MemorySegment.ofArray(packets);
        }
        if (!source.fill(buffers.getAsLong(), clockPackets, packets)) return;
        given = armed;
        armed = false;
        if (!write(present, get(second ? SECOND_BASE : FIRST_BASE), length)) errors.increment();
        present.delivered(buffers.getAsLong());
        buffers.increment();
        second = !second;
        filledAt = System.nanoTime();
        report |= CHANNEL_DONE;
        drive();
    }

    /** Whether the driver has written addresses, but none for this turn within {@link #PATIENCE_NANOS}. */
    private boolean isPassedOver() {
        return given && get(FIRST_BASE) != get(SECOND_BASE) && System.nanoTime() - filledAt > PATIENCE_NANOS;
    }

    /**
     * Writes a buffer, page by page through the table.
     *
     * @param base of the buffer in the space of the table
     * @return whether all addresses were accessible
     */
    private boolean write(FunctionContext present, int base, int length) {
        long table = (long) (get(CHANNEL_CONTROL) & TABLE_PAGE_MASK) * PAGE;
        for (int done = 0; done < length;) {
            long at = Integer.toUnsignedLong(base) + done;
            int piece = (int) Math.min(length - done, PAGE - at % PAGE);
            if (present.read(table + at / PAGE * ENTRY_BYTES, entry, 0, ENTRY_BYTES) != FunctionContext.Dma.DONE)
                return false;
            long page = Integer.toUnsignedLong(entry.get(INT, 0)) & -PAGE;
            if (present.write(page + at % PAGE, bytes, done, piece) != FunctionContext.Dma.DONE) return false;
            done += piece;
        }
        return true;
    }

    @Override
    public void reset() {
        clock.stop();
        Arrays.fill(registers, (byte) 0);
        i2c.reset();
        encoderChanged();
        report = 0;
        armed = false;
        given = false;
        second = false;
        drive();
    }
}
