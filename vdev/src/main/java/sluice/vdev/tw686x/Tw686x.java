package sluice.vdev.tw686x;

import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.iommu.AddressRange;
import sluice.vdev.device.Counter;
import sluice.vdev.device.FunctionClock;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.device.Report;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.video.ExportedPicture;
import sluice.vdev.video.FrameSource;

/**
 * The card as a PCI function: registers, and a clock for each channel, which captures a picture at each tick while
 * enabled by the driver. Each decoder has a signal and is locked to it.
 *
 * <p>The real card continues while the driver has not yet handled the previous picture, and its driver would then
 * confuse the buffers. This one waits. With {@code hold} it also does not overwrite a filled buffer until the driver
 * has replaced it; the real card does, even if Linux's driver has passed the buffer to user space.
 */
public final class Tw686x implements PciFunction {
    /** Pictures per second. */
    static final int FRAMES_OF_50_HZ = 25;
    static final int FRAMES_OF_60_HZ = 30;

    private static final int BAR_BYTES = 4096;
    private static final int TECHWELL = 0x1797;
    /** Bits of a decoder's status: horizontal, colour and vertical lock, and 50 Hz. */
    private static final int LOCKED = 1 << 6 | 1 << 5 | 1 << 3;
    private static final int DETECTED_50_HZ = 1;
    /** Its standard: selected in bits 2 to 0, detected in bits 6 to 4. */
    private static final int SELECTED_MASK = 7;
    private static final int DETECTED = 4;
    private static final int DETECTED_PAL = 1;
    private static final int DECODER_MASK = 0xff;
    private static final int CHANNELS_MASK = 0xff;
    /** Time limit between the driver's reads of the interrupt status and of the buffer. */
    private static final long LOOK_NANOS = 500_000_000;
    private static final long NANOS_PER_SECOND = 1_000_000_000;
    private static final Logger LOG = LoggerFactory.getLogger(Tw686x.class);

    private final List<Bar> bars = List.of(Bar.registers(0, BAR_BYTES));
    private final ConfigSpace config;
    private final int[] registers = new int[Registers.COUNT];
    private final Channel[] channels;
    private final FunctionClock[] clocks;
    /** By channel, whether the driver has read the interrupt status, but not yet which buffer it was. */
    private int seen;
    private long seenAt;
    private final int framesPerSecond;
    private final boolean pal;
    private @Nullable FunctionContext context;
    private boolean unsupportedTold;
    private final Counter frames = new Counter();
    private final Counter waits = new Counter();
    private final Counter held = new Counter();
    private final Counter errors = new Counter();

    /**
     * A card.
     *
     * @param framesPerSecond 1 to 1000, or 0 for that of a channel's standard, 25 or 30
     * @param pal whether decoders detect PAL instead of NTSC; pictures are delivered for any selected standard
     * @param hold whether to fill a buffer only once for each time that the driver writes it; not for drivers that
     * never replace buffers, such as Linux's with {@code dma_mode=memcpy}
     */
    public Tw686x(Chip chip, FrameSource source, int framesPerSecond, boolean pal, boolean hold) {
        if (framesPerSecond < 0 || framesPerSecond > 1000)
            throw new IllegalArgumentException(
                    framesPerSecond + " frames per second; give 1 to 1000, or 0 for the standard's");
        this.framesPerSecond = framesPerSecond;
        this.pal = pal;
        config = new ConfigLayout(TECHWELL, chip.device(), 0x048000, 1).subsystem(TECHWELL, chip.device()).bars(bars)
                .interruptPin(1).build();
        Painter painter = new Painter(source);
        channels = IntStream.range(0, chip.channels())
                .mapToObj(number -> new Channel(number, chip, registers, painter, hold)).toArray(Channel[]::new);
        clocks = IntStream.range(0, chip.channels()).mapToObj(_ -> new FunctionClock()).toArray(FunctionClock[]::new);
    }

    /** Other devices of the process find the last pictures of its first channels from now on, each by its object. */
    void export(List<ExportedPicture> objects) {
        for (int i = 0; i < objects.size(); i++) channels[i].export(objects.get(i));
    }

    /** Registers its counters. */
    void register(Report report) {
        report.counter("frames", "frames", "Complete pictures written, of all channels.", frames);
        report.counter("waits", "ticks", "At which the driver had not yet looked at the picture before.", waits);
        report.counter("held", "frames", "Not written, as the driver had given no buffer anew (option hold).", held);
        report.counter("addressErrors", "frames", "That ended at an address that could not be read or written.",
                errors);
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

    @Override
    public long read(int bar, long offset, int size) {
        int number = (int) offset / Integer.BYTES;
        int value = number < Registers.COUNT ? read(number) : 0;
        return Integer.toUnsignedLong(value) >>> (Byte.SIZE * (offset & 3));
    }

    private int read(int number) {
        int value = registers[number];
        if (number == Registers.INTERRUPT) {
            set(number, 0);
            if (value != 0) seenAt = System.nanoTime();
            seen |= value;
            drive();
        } else if (number == Registers.LAST_BUFFER) {
            seen = 0;
        } else if (number == Registers.FIFO_STATUS) {
            set(number, 0);
            drive();
        } else if (isOfDecoder(number, Registers.DECODER_STATUS)) {
            return LOCKED | (pal ? DETECTED_50_HZ : 0);
        } else if (isOfDecoder(number, Registers.DECODER_STANDARD)) {
            return (value & SELECTED_MASK) | (pal ? DETECTED_PAL : 0) << DETECTED;
        }
        return value;
    }

    private boolean isOfDecoder(int number, int register) {
        int channel = Registers.channelOfDecoder(number);
        return channel >= 0 && channel < channels.length && Registers.decoder(channel, register) == number;
    }

    @Override
    public void write(int bar, long offset, int size, long value) {
        int number = (int) offset / Integer.BYTES;
        // The card decodes 32-bit accesses only.
        if (size != Integer.BYTES || number >= Registers.COUNT) {
            LOG.debug("dropped a write of {} bytes at 0x{}: registers have 4", size, Long.toHexString(offset));
            return;
        }
        int bits = (int) value;
        switch (number) {
            case Registers.INTERRUPT, Registers.LAST_BUFFER, Registers.FIFO_STATUS -> {
                // They only tell.
            }
            case Registers.SOFT_RESET -> {
                if ((bits & Registers.SOFT_RESET_BITS) != 0) reset();
            }
            default -> {
                set(number, Registers.channelOfDecoder(number) < 0 ? bits : bits & DECODER_MASK);
                written(number);
            }
        }
    }

    private void set(int number, int value) {
        registers[number] = value;
    }

    private void written(int number) {
        switch (number) {
            case Registers.DMA_COMMAND, Registers.DMA_ENABLE, Registers.VIDEO_CONTROL -> runOrStop();
            default -> {
                for (int i = 0; i < channels.length; i++) {
                    if (number == Registers.bufferP(i)) channels[i].addressed(false);
                    if (number == Registers.bufferB(i)) channels[i].addressed(true);
                }
            }
        }
    }

    private void drive() {
        FunctionContext present = context;
        if (present != null)
            present.assertInterrupt(registers[Registers.INTERRUPT] != 0 || registers[Registers.FIFO_STATUS] != 0);
    }

    // ---- pictures

    private void runOrStop() {
        FunctionContext present = context;
        int command = registers[Registers.DMA_COMMAND];
        int run = (command & Registers.ENABLE) == 0 ? 0 : command & registers[Registers.DMA_ENABLE] & CHANNELS_MASK;
        for (int i = 0; i < channels.length; i++) {
            Channel channel = channels[i];
            FunctionClock clock = clocks[i];
            if ((run >>> i & 1) == 0 || present == null) {
                clock.stop();
                channel.stopped();
                seen &= ~(1 << i);
                continue;
            }
            int rate = framesPerSecond != 0 ? framesPerSecond : channel.isFifty() ? FRAMES_OF_50_HZ : FRAMES_OF_60_HZ;
            long nanos = NANOS_PER_SECOND / rate;
            if (clock.isRunning() && clock.nanos() == nanos) continue;
            int number = i;
            clock.start(present, nanos, () -> tick(present, number));
        }
    }

    private void tick(FunctionContext present, int number) {
        int bit = 1 << number;
        // No other picture between the driver's reads of the interrupt status and of the buffer.
        if (((registers[Registers.INTERRUPT] | seen) & bit) != 0 && !isPassedOver(bit)) {
            waits.increment();
            return;
        }
        Channel channel = channels[number];
        boolean second = channel.isSecond();
        switch (channel.take(present)) {
            case LEFT_OUT -> {
            }
            case WRITTEN -> {
                present.delivered(frames.getAsLong());
                frames.increment();
                ended(bit, second);
            }
            case HELD -> {
                held.increment();
                ended(bit, second);
            }
            case ADDRESS_ERROR -> {
                errors.increment();
                set(Registers.FIFO_STATUS, registers[Registers.FIFO_STATUS] | bit << Registers.FIFO_BAD_ADDRESS);
                drive();
            }
            case UNSUPPORTED -> {
                if (!unsupportedTold)
                    LOG.warn("no pictures of {}: this card has 16-bit formats, lists and whole frames", channel);
                unsupportedTold = true;
            }
        }
    }

    /** Whether the driver has read the interrupt status and the time limit for the second read has passed. */
    private boolean isPassedOver(int bit) {
        return (registers[Registers.INTERRUPT] & bit) == 0 && System.nanoTime() - seenAt > LOOK_NANOS;
    }

    private void ended(int bit, boolean second) {
        int last = registers[Registers.LAST_BUFFER];
        set(Registers.LAST_BUFFER, second ? last | bit : last & ~bit);
        set(Registers.INTERRUPT, registers[Registers.INTERRUPT] | bit);
        drive();
    }

    @Override
    public void unmapped(AddressRange range) {
        for (Channel channel : channels) channel.unmapped(range);
    }

    @Override
    public void reset() {
        for (FunctionClock clock : clocks) clock.stop();
        for (Channel channel : channels) channel.reset();
        Arrays.fill(registers, 0);
        seen = 0;
        drive();
    }
}
