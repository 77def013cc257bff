package sluice.vdev.vfg7350;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.vdev.device.Report;
import sluice.vdev.device.Workers;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.NullEngine;
import sluice.vdev.fixture.TransportStream;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.vfiouser.FunctionProcess;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

/** The encoder card's registers, as Linux's saa7134 and saa7134-empress use them, over vfio-user. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class Vfg7350LoopbackTest {
    private static final long SEED = 7350;
    private static final int PAGE = 4096;
    private static final long RAM = 4 << 20;
    private static final long TABLE = 0x8000;
    /** Pages of the two buffers of 64 packets, in no order. */
    private static final int[] FIRST = { 0x140, 0x13f, 0x200 };
    private static final int[] SECOND = { 0x210, 0x180, 0x150 };
    private static final int PACKETS = 64;
    private static final int BYTES = PACKETS * PacketSource.PACKET_BYTES;
    /** Of the second buffer in the table's space. */
    private static final int SECOND_OFFSET = FIRST.length * PAGE;

    private static final int PORT_CONTROL = 0x1a0;
    private static final int PORT_PACKETS = 0x1a4;
    private static final int I2C = 0x180;
    private static final int FIRST_BASE = 0x250;
    private static final int SECOND_BASE = 0x254;
    private static final int CHANNEL_CONTROL = 0x25c;
    private static final int MAIN_CONTROL = 0x2a8;
    private static final int ENABLES = 0x2c4;
    private static final int REPORT = 0x2cc;
    private static final int STATUS = 0x2d0;
    private static final int DONE = 1 << 2;
    private static final int WHICH = 1 << 20;

    private final Vfg7350 card = new Vfg7350(new NumberedPackets(), 100_000_000);
    private final Report report = new Report();
    private Fd line;
    private FunctionProcess process;
    private VfioUserClient client;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        line = EventFd.create();
        card.register(report);
        process = new FunctionProcess(card);
        client = process.agreed();
        ram = GuestRam.single(RAM, SEED);
        assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        assertThat(client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                new byte[0], line)).isZero();
    }

    @AfterEach
    void end() {
        client.close();
        process.awaitGone();
        process.close();
        ram.close();
        line.close();
    }

    private void write(int register, int value) throws IOException {
        client.write32(0, register, value);
    }

    private int read(int register) throws IOException {
        return client.read32(0, register);
    }

    private long counted(String name) {
        return report.metrics().stream().filter(metric -> metric.name().equals(name))
                .mapToLong(metric -> ((Report.Single) metric).value().getAsLong()).sum();
    }

    private void table(int at, int... pages) {
        for (int i = 0; i < pages.length; i++)
            ram.memory().set(ValueLayout.JAVA_INT_UNALIGNED, TABLE + (at + i) * 4L, pages[i] * PAGE);
    }

    /** What the driver does when streaming begins. */
    private void stream() throws IOException {
        table(0, FIRST);
        table(FIRST.length, SECOND);
        write(PORT_PACKETS, PACKETS - 1);
        write(CHANNEL_CONTROL, (int) (TABLE / PAGE) | 1 << 20);
        write(ENABLES, DONE);
        write(MAIN_CONTROL, 1 << 5);
        write(PORT_CONTROL, 1 << 7);
    }

    private void give() throws IOException {
        write(FIRST_BASE, 0);
        write(SECOND_BASE, SECOND_OFFSET);
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

    private void acknowledge() throws IOException {
        write(REPORT, DONE);
        assertThat(client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 0, 1,
                new byte[0])).isZero();
    }

    private byte[] buffer(int... pages) {
        byte[] bytes = new byte[pages.length * PAGE];
        for (int i = 0; i < pages.length; i++) {
            System.arraycopy(ram.memory().asSlice((long) pages[i] * PAGE, PAGE).toArray(ValueLayout.JAVA_BYTE), 0,
                    bytes, i * PAGE, PAGE);
        }
        return Arrays.copyOf(bytes, BYTES);
    }

    private static byte[] expected(long buffer) {
        byte[] bytes = new byte[BYTES];
        new NumberedPackets().fill(buffer, PACKETS, bytes);
        return bytes;
    }

    @Test
    void theBoardIsTheOneTheDriverLooksFor() throws IOException {
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(0x7133_1131);
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 8)).as("class and revision").isEqualTo(0x048000d1);
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0x2c)).as("subsystem").isEqualTo(0x7350_1435);
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0x3c) >>> 8 & 0xff).as("pin A").isEqualTo(1);
    }

    private int i2c(int attribute, int data) throws IOException {
        assertThat(client.write(0, I2C, (byte) (attribute << 6), (byte) data)).isZero();
        return client.read(0, I2C, 1).body().get(16) & 0xf;
    }

    @Test
    void onlyTheEncoderAcknowledges() throws IOException {
        for (int address = 0; address < 0x80; address++) {
            boolean encoder = address == 0x21;
            assertThat(i2c(3, address << 1)).as("write to 0x%x", address).isEqualTo(encoder ? 5 : 9);
            assertThat(i2c(2, 0x55)).as("a byte to 0x%x", address).isEqualTo(encoder ? 5 : 10);
            assertThat(i2c(1, 0)).as("stop").isEqualTo(1);
            assertThat(i2c(3, address << 1 | 1)).as("read from 0x%x", address).isEqualTo(encoder ? 6 : 9);
            assertThat(client.write(0, I2C, (byte) (2 << 6))).isZero();
            assertThat(client.read(0, I2C, 1).body().get(16) & 0xf).as("a byte from 0x%x", address)
                    .isEqualTo(encoder ? 6 : 9);
            assertThat(client.read(0, I2C + 1, 1).body().get(16)).as("what was read").isZero();
            assertThat(i2c(0, 0)).as("no operation").isZero();
        }
    }

    @Test
    void scatteredBuffersTakeTurns() throws IOException {
        stream();
        for (int round = 0; round < 6; round++) {
            give();
            awaitInterrupt();
            boolean first = round % 2 == 0;
            assertThat(read(REPORT)).isEqualTo(DONE);
            assertThat(read(STATUS) & WHICH).as("round %d", round).isEqualTo(first ? 0 : WHICH);
            assertThat(buffer(first ? FIRST : SECOND)).isEqualTo(expected(round));
            acknowledge();
            assertThat(read(REPORT)).isZero();
        }
        assertThat(counted("addressErrors")).isZero();
    }

    /** A buffer may begin anywhere in a page; its end is kept to. */
    @Test
    void aBufferMayBeginInsideOfAPage() throws IOException {
        byte[] behind = ram.memory().asSlice((long) SECOND[0] * PAGE + 256, PAGE - 256).toArray(ValueLayout.JAVA_BYTE);
        stream();
        write(PORT_PACKETS, PACKETS - 1);
        write(FIRST_BASE, 512);
        write(SECOND_BASE, SECOND_OFFSET);
        awaitInterrupt();
        byte[] bytes = new byte[FIRST.length * PAGE];
        for (int i = 0; i < FIRST.length; i++)
            System.arraycopy(ram.memory().asSlice((long) FIRST[i] * PAGE, PAGE).toArray(ValueLayout.JAVA_BYTE), 0,
                    bytes, i * PAGE, PAGE);
        int inFirst = FIRST.length * PAGE - 512;
        assertThat(Arrays.copyOfRange(bytes, 512, bytes.length)).isEqualTo(Arrays.copyOf(expected(0), inFirst));
        assertThat(ram.memory().asSlice((long) SECOND[0] * PAGE + 256, PAGE - 256).toArray(ValueLayout.JAVA_BYTE))
                .isEqualTo(behind);
    }

    @Test
    void nothingIsFilledUntilTheDriverGivesAnother() throws IOException {
        stream();
        give();
        awaitInterrupt();
        Deadline.in(Deadline.USUAL).require(() -> counted("waits") > 5, "ticks while it is not acknowledged");
        assertThat(counted("buffers")).isEqualTo(1);
        acknowledge();
        long waited = counted("waits");
        Deadline.in(Deadline.USUAL).require(() -> counted("waits") > waited + 5, "ticks while nothing is given");
        assertThat(counted("buffers")).isEqualTo(1);
        give();
        awaitInterrupt();
        assertThat(buffer(SECOND)).isEqualTo(expected(1));
    }

    /** It has given both addresses and waits for the one whose turn it is not. */
    @Test
    void aDriverThatHasLostStepGetsTheOtherBuffer() throws IOException {
        stream();
        give();
        awaitInterrupt();
        long began = System.nanoTime();
        acknowledge();
        awaitInterrupt();
        assertThat(System.nanoTime() - began).isGreaterThan(TimeUnit.MILLISECONDS.toNanos(500));
        assertThat(buffer(SECOND)).isEqualTo(expected(1));
        acknowledge();
        assertThat(counted("buffers")).as("and no more than that").isEqualTo(2);
    }

    @Test
    void whatIsNotEnabledDoesNotInterrupt() throws IOException {
        stream();
        write(ENABLES, 0);
        give();
        Deadline.in(Deadline.USUAL).require(() -> counted("buffers") == 1, "a buffer");
        assertThat(read(REPORT)).isEqualTo(DONE);
        assertThat(EventFd.drain(line)).isZero();
        write(ENABLES, DONE);
        awaitInterrupt();
    }

    @Test
    void aStoppedPortFillsNothingAndBeginsWithTheFirst() throws IOException {
        stream();
        give();
        awaitInterrupt();
        write(PORT_CONTROL, 0);
        acknowledge();
        give();
        long waited = counted("waits");
        LockSupport.parkNanos(20 * BYTES * 8L * 10); // 20 ticks at 10 ns a bit
        assertThat(read(PORT_CONTROL)).isZero();
        assertThat(counted("buffers")).isEqualTo(1);
        assertThat(counted("waits")).as("no tick").isEqualTo(waited);
        write(PORT_CONTROL, 1 << 7);
        awaitInterrupt();
        assertThat(buffer(FIRST)).isEqualTo(expected(1));
    }

    @Test
    void addressesInNoMemoryAreCountedAndTheCardGoesOn() throws IOException {
        stream();
        table(0, 0x7ffff);
        give();
        awaitInterrupt();
        assertThat(counted("addressErrors")).isEqualTo(1);
        acknowledge();
        write(CHANNEL_CONTROL, 0xf_ffff);
        give();
        awaitInterrupt();
        assertThat(counted("addressErrors")).as("no table").isEqualTo(2);
        acknowledge();
        write(CHANNEL_CONTROL, (int) (TABLE / PAGE));
        table(0, FIRST);
        give();
        awaitInterrupt();
        assertThat(buffer(FIRST)).isEqualTo(expected(2));
    }

    @Test
    void aResetForgetsEverything() throws IOException {
        stream();
        give();
        awaitInterrupt();
        assertThat(client.ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
        for (int register : new int[]{ PORT_CONTROL, PORT_PACKETS, FIRST_BASE, MAIN_CONTROL, ENABLES, REPORT, I2C })
            assertThat(read(register)).as("register 0x%x", register).isZero();
    }

    /** As Linux's driver: the port is enabled before the encoder is set up and started. */
    @Test
    void theEncoderIsSetUpOverI2cAndReset() throws IOException {
        NullEngine engine = new NullEngine();
        Workers atOnce = (what, work, then) -> {
            work.run();
            then.run();
            return true;
        };
        EncodedPackets packets = new EncodedPackets(new TestPattern(), engine, atOnce, 0);
        Vfg7350 encoding = new Vfg7350(packets, 100_000_000);
        try (FunctionProcess other = new FunctionProcess(encoding)) {
            VfioUserClient master = other.agreed();
            assertThat(master.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
            try (EncoderDriver driver = new EncoderDriver(master, ram)) {
                driver.stream();
                driver.give();
                for (int i = 0; i < 2; i++) {
                    EncoderMessages.send(EncoderMessages.start(EncoderMessages.Wanted.usual()),
                            value -> master.write32(0, I2C, value));
                    driver.awaitBuffer();
                    assertThat(TransportStream.of(Arrays.copyOf(driver.pages(i), BYTES)).mapPid()).isEqualTo(0x10);
                    assertThat(engine.made()).hasSize(i + 1);
                    // It resets the encoder when it has stopped.
                    master.write(0, 0x1d0, new byte[1]);
                    master.write(0, 0x1d0, new byte[]{ 1 });
                    assertThat(engine.open()).isZero();
                    driver.give();
                    assertThat(driver.isDone()).isFalse();
                }
            }
            master.close();
            other.awaitGone();
        }
    }

    @Test
    void whatWasWrittenIsReadBackOverI2c() throws IOException {
        EncoderMessages.send(List.of(EncoderMessages.bytes(0xe0, 0xa7, 0xfe, 0x82, 0xb0, 1, 2, 3, 4),
                EncoderMessages.bytes(0xe1, 0xa7, 0xfe, 0x82, 0xb0)), value -> write(I2C, value));
        assertThat(i2c(3, 0x43)).isEqualTo(6);
        for (int i = 1; i <= 5; i++) {
            client.write(0, I2C, new byte[]{ (byte) (2 << 6) });
            assertThat(client.read(0, I2C + 1, 1).body().get(16)).as("byte %d", i).isEqualTo((byte) (i <= 4 ? i : 0));
        }
    }

    /** Whatever a guest writes: each access is answered, and after a reset the card works. */
    @Test
    void wildRegistersAreSurvived() throws IOException {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        int[] known = { PORT_CONTROL, PORT_PACKETS, I2C, FIRST_BASE, SECOND_BASE, CHANNEL_CONTROL, MAIN_CONTROL,
                ENABLES, REPORT, STATUS };
        for (int i = 0; i < 4000; i++) {
            int at = random.nextBoolean() ? known[random.nextInt(known.length)] : random.nextInt(PAGE);
            byte[] value = new byte[1 << random.nextInt(4)];
            random.nextBytes(value);
            // Beyond the end is the transport's to refuse, whichever way.
            client.write(0, at, value);
            if (i % 8 == 0) client.read(0, random.nextInt(PAGE), 1 << random.nextInt(4));
            if (i % 64 == 0) table(random.nextInt(64), random.nextInt(1 << 11));
        }
        assertThat(client.ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        EventFd.drain(line);
        long before = counted("buffers");
        stream();
        give();
        acknowledge();
        Deadline.in(Deadline.USUAL).require(() -> counted("buffers") > before, "a buffer");
        awaitInterrupt();
        assertThat(buffer(FIRST)).isEqualTo(expected(before));
    }

    /** A driver may ask for buffers that take a microsecond each. */
    @Test
    void theShortestBuffersLeaveTheLoopToOthers() throws IOException {
        Report counts = new Report();
        Vfg7350 fast = new Vfg7350(new NumberedPackets(), 1_000_000_000);
        fast.register(counts);
        LongSupplier waits = ((Report.Single) counts.metrics().get(1)).value();
        try (FunctionProcess other = new FunctionProcess(fast)) {
            VfioUserClient driver = other.agreed();
            long began = System.nanoTime();
            driver.write32(0, MAIN_CONTROL, 1 << 5);
            driver.write32(0, PORT_CONTROL, 1 << 7);
            Deadline.in(Deadline.USUAL).require(() -> waits.getAsLong() > 1000, "ticks");
            long ticks = waits.getAsLong();
            assertThat(System.nanoTime() - began).isGreaterThan(ticks * 50_000);
            driver.close();
            other.awaitGone();
        }
    }

    @Test
    void aRateOutOfBoundsIsRefused() {
        for (long rate : new long[]{ -1, 0, 999, 1_000_000_001L })
            assertThatIllegalArgumentException().isThrownBy(() -> new Vfg7350(new NumberedPackets(), rate))
                    .withMessage(rate + " bits per second; give 1000 to 1000000000");
    }
}
