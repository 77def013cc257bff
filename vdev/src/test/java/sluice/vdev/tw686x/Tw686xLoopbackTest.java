package sluice.vdev.tw686x;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.device.Report;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.vfiouser.FunctionProcess;
import sluice.vdev.video.FrameSource;
import sluice.vdev.video.NumberedLines;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** The capture card's registers, as Linux's tw686x uses them, over vfio-user. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class Tw686xLoopbackTest {
    private static final long SEED = 6869;
    private static final int PAGE = 4096;
    private static final long RAM = 4 << 20;
    private static final int FAST = 200;
    /** Of a picture: bytes of a line, and lines. */
    private static final int LINE = 720;
    private static final int HEIGHT = 20;
    /** Lines of a field. */
    private static final int FIELD = HEIGHT / 2;
    private static final int BYTES = LINE * HEIGHT;
    private static final long P = 0x10_0000;
    private static final long B = 0x18_0000;
    private static final long LISTS = 0x8000;

    private static final int INTERRUPT = 0x00;
    private static final int LAST_BUFFER = 0x01;
    private static final int COMMAND = 0x02;
    private static final int FIFO = 0x03;
    private static final int RESET = 0x06;
    private static final int ENABLE = 0x0a;
    private static final int VIDEO_CONTROL = 0x2a;
    private static final int PHASE = 0x2e;
    private static final int WHOLE = 2;

    private final Report report = new Report();
    private Fd line;
    private @Nullable Machine machine;

    private record Machine(FunctionProcess process, VfioUserClient client, GuestRam ram) {}

    @BeforeEach
    void makeLine() throws IOException {
        line = EventFd.create();
    }

    private void start(Chip chip, FrameSource source, boolean hold) throws IOException {
        Tw686x card = new Tw686x(chip, source, FAST, false, hold);
        card.register(report);
        FunctionProcess process = new FunctionProcess(card);
        machine = new Machine(process, process.agreed(), GuestRam.single(RAM, SEED));
        assertThat(client().map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram().file())).isZero();
        client().write32(VfioUserClient.CONFIG_REGION, 4, 6);
        assertThat(client().setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                new byte[0], line)).isZero();
    }

    @AfterEach
    void end() {
        Machine ended = machine;
        if (ended != null) {
            ended.client().close();
            ended.process().awaitGone();
            ended.process().close();
            ended.ram().close();
        }
        line.close();
    }

    private VfioUserClient client() {
        return Objects.requireNonNull(machine, "it was started").client();
    }

    private GuestRam ram() {
        return Objects.requireNonNull(machine, "it was started").ram();
    }

    private void write(int register, int value) throws IOException {
        client().write32(0, register * 4L, value);
    }

    private int read(int register) throws IOException {
        return client().read32(0, register * 4L);
    }

    private long counted(String name) {
        return report.metrics().stream().filter(metric -> metric.name().equals(name))
                .mapToLong(metric -> ((Report.Single) metric).value().getAsLong()).sum();
    }

    /** What the driver writes for a channel's format: the size, and how pictures are written. */
    private void format(int channel, int mode, int configuration) throws IOException {
        write(0x10 + channel, configuration);
        write(0x81 + 8 * channel, FIELD << 22 | LINE << 11 | LINE);
        int shift = 16 + 2 * channel;
        write(PHASE, (read(PHASE) & ~(3 << shift)) | mode << shift);
    }

    private void run(int channels) throws IOException {
        write(ENABLE, channels);
        write(COMMAND, channels == 0 ? 0 : 1 << 31 | channels);
    }

    /** Stops all channels and takes no notice of what they have done last. */
    private void stop() throws IOException {
        run(0);
        read(INTERRUPT);
        read(FIFO);
        read(LAST_BUFFER);
        unmask();
        EventFd.drain(line);
    }

    private void awaitInterrupt() {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return EventFd.drain(line) > 0;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "an interrupt");
    }

    private void unmask() throws IOException {
        assertThat(client().setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 0, 1,
                new byte[0])).isZero();
    }

    /** The driver's interrupt handler: which buffer of channel 0 was filled, 0 for P or 1 for B. */
    private int look() throws IOException {
        awaitInterrupt();
        assertThat(read(INTERRUPT)).as("channels").isEqualTo(1);
        assertThat(read(FIFO)).as("errors").isZero();
        int last = read(LAST_BUFFER) & 1;
        unmask();
        return last;
    }

    private byte[] memory(long address, int length) {
        return ram().memory().asSlice(address, length).toArray(ValueLayout.JAVA_BYTE);
    }

    private static byte[] numbered(long frame) {
        byte[] bytes = new byte[BYTES];
        new NumberedLines().fill(frame, LINE, HEIGHT, bytes);
        return bytes;
    }

    @ParameterizedTest
    @EnumSource(Chip.class)
    void theChipIsTheOneTheDriverLooksFor(Chip chip) throws IOException {
        start(chip, new NumberedLines(), false);
        assertThat(client().read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(chip.device() << 16 | 0x1797);
        assertThat(client().read32(VfioUserClient.CONFIG_REGION, 0x3c) >>> 8 & 0xff).as("pin A").isEqualTo(1);
        for (int channel = 0; channel < chip.channels(); channel++) {
            int decoder = 0x100 + channel / 4 * 0x100 + channel % 4 * 0x10;
            assertThat(read(decoder)).as("locked, a signal, 60 Hz").isEqualTo(0x68);
            write(decoder + 0xe, 7);
            assertThat(read(decoder + 0xe)).as("NTSC detected, automatic selected").isEqualTo(7);
        }
    }

    @Test
    void wholePicturesTakeTurns() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        for (int i = 0; i < 6; i++) {
            assertThat(look()).as("picture %d", i).isEqualTo(i % 2);
            assertThat(memory(i % 2 == 0 ? P : B, BYTES)).isEqualTo(numbered(i));
        }
        assertThat(counted("addressErrors")).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = { 0, 5, 6 })
    void picturesAreGreyInEachFormat(int format) throws IOException {
        start(Chip.TW6865, new TestPattern(), false);
        format(0, WHOLE, format << 20);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        look();
        byte[] luma = new byte[BYTES / 2];
        new TestPattern().fill(0, LINE / 2, HEIGHT, luma);
        byte[] picture = memory(P, BYTES);
        for (int i = 0; i < luma.length; i++) {
            int pixel = (picture[2 * i] & 0xff) | (picture[2 * i + 1] & 0xff) << 8;
            int y = luma[i] & 0xff;
            assertThat(pixel).as("pixel %d", i).isEqualTo(switch (format) {
                case 0 -> y << 8 | 0x80;
                case 6 -> 0x80 << 8 | y;
                default -> (y / 8) << 11 | (y / 4) << 5 | y / 8;
            });
        }
    }

    /** Lines may lie apart: what is between them stays. */
    @Test
    void linesMayHaveGaps() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        byte[] before = memory(P, 1024 * HEIGHT);
        format(0, WHOLE, 0);
        write(0x81, FIELD << 22 | 1024 << 11 | LINE);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        look();
        byte[] expected = before.clone();
        for (int i = 0; i < HEIGHT; i++) System.arraycopy(numbered(0), i * LINE, expected, i * 1024, LINE);
        assertThat(memory(P, 1024 * HEIGHT)).isEqualTo(expected);
    }

    /** A list of pages in no order, for one of both buffers; returns how many entries it has. */
    private int list(long table, long first, int... lengths) {
        int entries = 0;
        long left = BYTES;
        for (int i = 0; left > 0; i++) {
            int length = (int) Math.min(lengths[i % lengths.length], left);
            ram().memory().set(ValueLayout.JAVA_INT_UNALIGNED, table + 8L * i, 1 << 30 | length);
            ram().memory().set(ValueLayout.JAVA_INT_UNALIGNED, table + 8L * i + 4, (int) page(first, i));
            left -= length;
            entries++;
        }
        return entries;
    }

    private static long page(long first, int index) {
        return first + (index ^ 1) * (long) PAGE;
    }

    /** What lies in the pages of such a list, with the odd lines back between the even ones. */
    private byte[] gathered(long first, int... lengths) {
        byte[] fields = new byte[BYTES];
        int at = 0;
        for (int i = 0; at < BYTES; i++) {
            int length = Math.min(lengths[i % lengths.length], BYTES - at);
            System.arraycopy(memory(page(first, i), length), 0, fields, at, length);
            at += length;
        }
        byte[] picture = new byte[BYTES];
        for (int i = 0; i < HEIGHT; i++) {
            int place = i < HEIGHT / 2 ? 2 * i : 2 * (i - HEIGHT / 2) + 1;
            System.arraycopy(fields, i * LINE, picture, place * LINE, LINE);
        }
        return picture;
    }

    /** Each channel has a pair of lists, or a part of one pair: 256 entries each. */
    @ParameterizedTest
    @EnumSource(Chip.class)
    void fieldsAreScatteredAsTheListsSay(Chip chip) throws IOException {
        start(chip, new NumberedLines(), false);
        int channel = chip.channels() - 1;
        boolean shared = chip == Chip.TW6864 || chip == Chip.TW6868;
        long tables = shared ? LISTS : LISTS + 0x1_0000;
        int first = shared ? 256 * channel : 0;
        int[] lengths = { PAGE, 100, 8, PAGE - 4 };
        list(tables + 8L * first, P, lengths);
        list(tables + PAGE * 2 + 8L * first, B, lengths);
        int register = shared ? 0x08 : 0xd0 + 2 * (channel - 1);
        write(register, (int) tables);
        write(register + 1, (int) tables + PAGE * 2);
        format(channel, 0, (first + 255) << 10 | first);
        run(1 << channel);
        for (int i = 0; i < 4; i++) {
            awaitInterrupt();
            assertThat(read(INTERRUPT)).isEqualTo(1 << channel);
            assertThat(read(LAST_BUFFER) >>> channel & 1).isEqualTo(i % 2);
            assertThat(gathered(i % 2 == 0 ? P : B, lengths)).as("picture %d", i).isEqualTo(numbered(i));
            unmask();
        }
    }

    @Test
    void aDriverThatHasNotLookedGetsNoOther() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        awaitInterrupt();
        Deadline.in(Deadline.USUAL).require(() -> counted("waits") > 5, "ticks while nobody looks");
        assertThat(read(INTERRUPT)).isEqualTo(1);
        assertThat(read(INTERRUPT)).as("cleared by reading").isZero();
        long waited = counted("waits");
        Deadline.in(Deadline.USUAL).require(() -> counted("waits") > waited + 5, "ticks between its two looks");
        assertThat(counted("frames")).isEqualTo(1);
        assertThat(read(LAST_BUFFER)).isZero();
        unmask();
        awaitInterrupt();
        assertThat(read(LAST_BUFFER)).isEqualTo(1);
    }

    /** The real card would go on at once; this one waits for a while only. */
    @Test
    void aDriverThatNeverLooksWhichBufferItWasGetsMore() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        for (int i = 0; i < 3; i++) {
            awaitInterrupt();
            assertThat(read(INTERRUPT)).isEqualTo(1);
            unmask();
        }
        assertThat(counted("frames")).isEqualTo(3);
    }

    @Test
    void aChannelBeginsAgainWithItsFirstBuffer() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        assertThat(look()).isZero();
        stop();
        long frames = counted("frames");
        run(1);
        assertThat(look()).isZero();
        assertThat(counted("frames")).isGreaterThan(frames);
    }

    /** The driver has nothing to give: the real card overwrites what it was given last. */
    @Test
    void withoutHoldABufferIsWrittenAgain() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        look();
        look();
        look();
        assertThat(memory(P, BYTES)).isEqualTo(numbered(2));
    }

    @Test
    void withHoldABufferIsWrittenWhenItIsGiven() throws IOException {
        start(Chip.TW6869, new NumberedLines(), true);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        for (int i = 0; i < 6; i++) assertThat(look()).as("turns go on").isEqualTo(i % 2);
        assertThat(memory(P, BYTES)).isEqualTo(numbered(0));
        assertThat(memory(B, BYTES)).isEqualTo(numbered(1));
        assertThat(counted("held")).isGreaterThanOrEqualTo(4);
        write(0x80, (int) P + PAGE);
        while (counted("frames") < 3)
            look();
        assertThat(memory(P + PAGE, 4)).as("the next picture").isEqualTo(Arrays.copyOf(numbered(0), 4));
    }

    @Test
    void withHoldAListIsUsedWhenItIsWritten() throws IOException {
        start(Chip.TW6869, new NumberedLines(), true);
        list(LISTS, P, PAGE);
        list(LISTS + PAGE, B, PAGE);
        write(0x08, (int) LISTS);
        write(0x09, (int) LISTS + PAGE);
        format(0, 0, 255 << 10);
        run(1);
        for (int i = 0; i < 6; i++) assertThat(look()).as("turns go on").isEqualTo(i % 2);
        assertThat(gathered(P, PAGE)).isEqualTo(numbered(0));
        assertThat(gathered(B, PAGE)).isEqualTo(numbered(1));
        list(LISTS, P, PAGE);
        while (counted("frames") < 3)
            look();
        assertThat(gathered(P, PAGE)).isNotEqualTo(numbered(0));
        assertThat(gathered(B, PAGE)).isEqualTo(numbered(1));
    }

    /** Of each second the driver takes two pictures. */
    @Test
    void theDriverMayWantFewerPictures() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x39, 0x8000_0006);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        look();
        assertThat(memory(P, BYTES)).isEqualTo(numbered(1));
        look();
        assertThat(memory(B, BYTES)).isEqualTo(numbered(2));
        look();
        assertThat(memory(P, BYTES)).isEqualTo(numbered(31));
        write(VIDEO_CONTROL, 1 << 13);
        for (int i = 0; i < 4; i++) look();
        byte[] last = memory(counted("frames") % 2 == 1 ? P : B, BYTES);
        int number = (last[6] & 0xff) << 8 | (last[7] & 0xff);
        assertThat(number % 25).as("with 25 pictures a second").isIn(1, 2);
    }

    @Test
    void addressesInNoMemoryAreToldAndTheCardGoesOn() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, 0x7fff_f000);
        write(0x82, 0x7fff_f000);
        run(1);
        awaitInterrupt();
        assertThat(read(INTERRUPT)).as("no picture").isZero();
        assertThat(read(FIFO)).as("a bad address of channel 0").isEqualTo(1 << 16);
        assertThat(counted("addressErrors")).isGreaterThanOrEqualTo(1);
        stop();
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        assertThat(look()).isZero();
    }

    /** The list ends before the picture does, is in no memory, or has its end before its beginning. */
    @ParameterizedTest
    @ValueSource(ints = { 0, 1, 2 })
    void aListThatIsTooShortIsTold(int kind) throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        int entries = list(LISTS, P, PAGE);
        ram().memory().set(ValueLayout.JAVA_INT_UNALIGNED, LISTS + 8L * (entries - 1), 0);
        write(0x08, kind == 1 ? 0x7fff_f000 : (int) LISTS);
        format(0, 0, kind == 2 ? 3 << 10 | 4 : 255 << 10);
        run(1);
        awaitInterrupt();
        assertThat(read(FIFO)).isEqualTo(1 << 16);
    }

    @Test
    void whatTheCardCannotDoIsLeft() throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        write(0x80, (int) P);
        write(0x82, (int) B);
        byte[] before = memory(P, BYTES);
        run(1);
        for (int size : new int[]{ 0, HEIGHT << 22 | 15, HEIGHT << 22 | 17, LINE }) {
            write(PHASE, WHOLE << 16);
            write(0x81, size);
            assertThat(read(0x81)).isEqualTo(size);
        }
        for (int mode : new int[]{ 1, 3 }) {
            write(PHASE, mode << 16);
            format(0, mode, 0);
        }
        format(0, WHOLE, 1 << 20);
        assertThat(read(INTERRUPT)).isZero();
        assertThat(memory(P, BYTES)).isEqualTo(before);
        run(0);
        format(0, WHOLE, 0);
        run(1);
        assertThat(look()).isZero();
    }

    @ParameterizedTest
    @ValueSource(booleans = { false, true })
    void aResetForgetsEverything(boolean byRegister) throws IOException {
        start(Chip.TW6869, new NumberedLines(), false);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        awaitInterrupt();
        if (byRegister) {
            write(RESET, 0xf);
        } else {
            assertThat(client().ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
        }
        for (int register : new int[]{ INTERRUPT, LAST_BUFFER, COMMAND, FIFO, ENABLE, PHASE, 0x10, 0x80, 0x81, 0x82 })
            assertThat(read(register)).as("register 0x%x", register).isZero();
    }

    /** Whatever a guest writes: each access is answered, and after a reset the card works. */
    @Test
    void wildRegistersAreSurvived() throws IOException {
        System.out.println("seed " + SEED);
        start(Chip.TW6869, new NumberedLines(), true);
        Random random = new Random(SEED);
        int[] known = { INTERRUPT, LAST_BUFFER, COMMAND, FIFO, 0x08, 0x09, ENABLE, 0x10, 0x11, VIDEO_CONTROL, PHASE,
                0x39,
                0x80, 0x81, 0x82, 0x89 };
        for (int i = 0; i < 4000; i++) {
            int at = random.nextBoolean() ? 4 * known[random.nextInt(known.length)] : random.nextInt(PAGE);
            byte[] value = new byte[random.nextInt(4) > 0 ? 4 : 1 << random.nextInt(4)];
            random.nextBytes(value);
            // Beyond the end is the transport's to refuse, whichever way.
            client().write(0, at, value);
            if (i % 8 == 0) client().read(0, random.nextInt(PAGE), 1 << random.nextInt(4));
            if (i % 64 == 0) {
                write(0x08, random.nextInt(1 << 16) & -4);
                run(0xff);
            }
        }
        assertThat(client().ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
        client().write32(VfioUserClient.CONFIG_REGION, 4, 6);
        unmask();
        EventFd.drain(line);
        format(0, WHOLE, 0);
        write(0x80, (int) P);
        write(0x82, (int) B);
        run(1);
        assertThat(look()).isZero();
        assertThat(memory(P, BYTES)).isEqualTo(numbered(0));
    }

    @Test
    void aRateOutOfBoundsIsRefused() {
        for (int rate : new int[]{ -1, 1001 })
            assertThatIllegalArgumentException()
                    .isThrownBy(() -> new Tw686x(Chip.TW6869, new NumberedLines(), rate, false, false))
                    .withMessage(rate + " frames per second; give 1 to 1000, or 0 for the standard's");
    }
}
