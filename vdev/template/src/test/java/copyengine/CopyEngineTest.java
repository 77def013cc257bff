package copyengine;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.Stream;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.linux.EventFd;
import sluice.dmacore.linux.Fd;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.fixture.Buffer;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VfioUserMessage;
import sluice.vdev.vfiouser.FunctionProcess;

import static org.assertj.core.api.Assertions.assertThat;

/** The copy engine as a driver sees it, over a socket, without QEMU. Takes about a second. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class CopyEngineTest {
    private static final long SEED = 20261121;
    private static final long RAM = 16 << 20;
    private static final int PAGE = 4096;
    /** Pages of the lists, at the end of the memory; the buffers are below. */
    private static final long SOURCES = RAM - 2 * PAGE;
    private static final long TARGETS = RAM - PAGE;
    /** Not mapped for the function. */
    private static final long NOWHERE = 1L << 40;

    private final Random random = new Random(SEED);
    private FunctionProcess process;
    private VfioUserClient client;
    private GuestRam ram;
    private CopyDriver driver;

    @BeforeEach
    void start() throws IOException {
        process = new FunctionProcess(new CopyEngine());
        client = process.agreed();
        ram = GuestRam.single(RAM, SEED);
        assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
        driver = new CopyDriver(client, ram.memory());
        assertThat(driver.read(0)).as("\"COPY\"").isEqualTo(0x59504f43);
    }

    @AfterEach
    void end() {
        client.close();
        process.awaitGone();
        process.close();
        ram.close();
    }

    /** Random pieces, each in its own half MiB, so that they do not overlap. */
    private List<Buffer> pieces(long from, int bytes) {
        List<Buffer> pieces = new ArrayList<>();
        long at = from;
        for (int left = bytes; left > 0;) {
            int length = Math.min(left, 1 + random.nextInt(3 * PAGE));
            at += random.nextInt(PAGE);
            pieces.add(new Buffer(at, length));
            at += length;
            left -= length;
        }
        return pieces;
    }

    private byte[] copied(List<Buffer> pieces) {
        ByteBuffer all = ByteBuffer.allocate(pieces.stream().mapToInt(piece -> (int) piece.length()).sum());
        for (Buffer piece : pieces)
            all.put(ram.memory().asSlice(piece.address(), piece.length()).toArray(ValueLayout.JAVA_BYTE));
        return all.array();
    }

    private void fill(List<Buffer> pieces) {
        for (Buffer piece : pieces) {
            byte[] bytes = new byte[(int) piece.length()];
            random.nextBytes(bytes);
            ram.memory().asSlice(piece.address(), piece.length()).copyFrom(
                    MemorySegment.ofArray(bytes));
        }
    }

    private void ring(List<Buffer> sources, List<Buffer> targets) throws IOException {
        driver.list(SOURCES, sources);
        driver.list(TARGETS, targets);
        driver.lists(SOURCES, sources.size(), TARGETS, targets.size());
        driver.ring();
    }

    private void assertFailure(int code, long address) throws IOException {
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.ERROR);
        assertThat(driver.read(CopyDriver.ERROR_CODE)).isEqualTo(code);
        assertThat(driver.read64(CopyDriver.FAULT_ADDRESS)).isEqualTo(address);
        assertThat(driver.read(CopyDriver.JOBS_FAILED)).isEqualTo(1);
        assertThat(driver.read(CopyDriver.JOBS_DONE)).isZero();
    }

    @ParameterizedTest
    @ValueSource(ints = { 1, PAGE, 10_000, 300_000 })
    void whatIsCopiedIsTheSource(int bytes) throws IOException {
        System.out.println("seed " + SEED);
        List<Buffer> sources = pieces(0, bytes);
        List<Buffer> targets = pieces(RAM / 2, bytes);
        fill(sources);
        byte[] expected = copied(sources);
        long sum = ram.memory().byteSize() - bytes;
        byte[] before = ram.memory().toArray(ValueLayout.JAVA_BYTE);
        ring(sources, targets);
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.DONE);
        assertThat(copied(targets)).isEqualTo(expected);
        assertThat(driver.read64(CopyDriver.BYTES)).isEqualTo(bytes);
        assertThat(driver.read(CopyDriver.JOBS_DONE)).isEqualTo(1);
        assertThat(unchanged(before, targets)).as("bytes that are in no target").isEqualTo(sum);
    }

    /**
     * {@code serve --device=copy-engine,coherency=non-coherent}: the map transfers memory to the device, and only the
     * unmap transfers it back.
     */
    @Test
    void anEngineThatDoesNotSnoopIsSeenAfterTheUnmap() throws IOException {
        Findings findings = new Findings();
        DmaCore core = DmaCore.open(DmaCoreOptions.counting().withExecutor(
                new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())), findings);
        List<Buffer> source = List.of(new Buffer(0, PAGE));
        List<Buffer> target = List.of(new Buffer(2 * PAGE, PAGE));
        fill(source);
        byte[] expected = copied(source);
        byte[] before = copied(target);
        try (FunctionProcess cached = new FunctionProcess(new CopyEngine(), core, Stream.NON_COHERENT)) {
            try (VfioUserClient front = cached.agreed()) {
                CopyDriver other = new CopyDriver(front, ram.memory());
                other.list(SOURCES, source);
                other.list(TARGETS, target);
                for (long page : new long[]{ 0, SOURCES, TARGETS })
                    assertThat(front.map(page, PAGE, page, VfioUserClient.MAP_READ, ram.file())).isZero();
                int readAndWrite = VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE;
                assertThat(front.map(2 * PAGE, PAGE, 2 * PAGE, readAndWrite, ram.file())).isZero();
                other.lists(SOURCES, 1, TARGETS, 1);
                other.ring();
                assertThat(other.awaitEnd()).isEqualTo(CopyDriver.DONE);
                assertThat(copied(target)).as("while the engine has it").isEqualTo(before);
                assertThat(front.unmap(2 * PAGE, PAGE)).isZero();
                assertThat(copied(target)).as("when it is the CPU's again").isEqualTo(expected);
            }
            cached.awaitGone();
        }
        assertThat(findings.all()).isEmpty();
        assertThat(core.totals().writeBackExecuted()).as("source, target, and the two lists").isEqualTo(4 * PAGE);
        assertThat(core.totals().invalidateExecuted()).isEqualTo(PAGE);
    }

    /** Unchanged bytes outside the targets, including the pages of the lists, which the driver writes. */
    private long unchanged(byte[] before, List<Buffer> targets) {
        for (Buffer target : targets) {
            int first = (int) target.address();
            System.arraycopy(copied(List.of(target)), 0, before, first, (int) target.length());
        }
        byte[] after = ram.memory().toArray(ValueLayout.JAVA_BYTE);
        long same = 0;
        for (int i = 0; i < before.length; i++)
            if (before[i] == after[i] || i >= SOURCES) same++;
        return same - targets.stream().mapToLong(Buffer::length).sum();
    }

    @Test
    void theLineIsUpUntilTheEventIsCleared() throws IOException {
        try (Fd line = EventFd.create()) {
            assertThat(client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.LINE, 0, 1,
                    new byte[0], line)).isZero();
            driver.write(CopyDriver.INTERRUPT_ENABLE, CopyDriver.DONE);
            ring(pieces(0, PAGE), pieces(RAM / 2, PAGE));
            awaitSignal(line);
            unmask();
            awaitSignal(line);
            driver.write(CopyDriver.STATUS, CopyDriver.DONE);
            assertThat(driver.read(CopyDriver.STATUS)).isZero();
            unmask();
            assertThat(EventFd.drain(line)).as("after the event was cleared").isZero();
        }
    }

    private void unmask() throws IOException {
        assertThat(client.setIrqs(VfioUserClient.DATA_NONE | VfioUserClient.UNMASK, VfioUserClient.LINE, 0, 1,
                new byte[0])).isZero();
    }

    @Test
    void eachEventThatIsEnabledIsAMessage() throws IOException {
        try (Fd vector = EventFd.create()) {
            assertThat(client.setIrqs(VfioUserClient.DATA_EVENTFD | VfioUserClient.TRIGGER, VfioUserClient.VECTORS, 0,
                    1, new byte[0], vector)).isZero();
            driver.write(CopyDriver.INTERRUPT_ENABLE, CopyDriver.ERROR);
            ring(pieces(0, PAGE), pieces(RAM / 2, PAGE));
            assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.DONE);
            assertThat(EventFd.drain(vector)).as("DONE is not enabled").isZero();
            ring(pieces(0, PAGE), pieces(RAM / 2, PAGE + 1));
            awaitSignal(vector);
        }
    }

    private static void awaitSignal(Fd eventfd) {
        Deadline.in(Deadline.USUAL).require(() -> {
            try {
                return EventFd.drain(eventfd) > 0;
            } catch (IOException e) {
                throw new AssertionError(e);
            }
        }, "an interrupt");
    }

    @Test
    void aListIsOfOneTo256Entries() throws IOException {
        List<Buffer> most = new ArrayList<>();
        for (int i = 0; i < 256; i++) most.add(new Buffer(i * 16L, 16));
        ring(most, List.of(new Buffer(RAM / 2, PAGE)));
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.DONE);
        driver.write(CopyDriver.STATUS, CopyDriver.DONE);
        for (int count : new int[]{ 257, 0, -1 }) {
            driver.lists(SOURCES, count, TARGETS, 1);
            driver.ring();
            assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.ERROR);
            assertThat(driver.read(CopyDriver.ERROR_CODE)).as("%d entries", count).isEqualTo(2);
            assertThat(driver.read64(CopyDriver.FAULT_ADDRESS)).isEqualTo(SOURCES);
            driver.write(CopyDriver.STATUS, CopyDriver.ERROR);
        }
        assertThat(driver.read(CopyDriver.JOBS_FAILED)).isEqualTo(3);
    }

    /** The second entry of the target list is invalid. */
    @ParameterizedTest
    @CsvSource({ "0, 0, 0, 4", "0, 1, 1, 4", "-1, 2, 0, 4", "-4096, 8192, 0, 4", "0, 67108864, 0, 6", "0, -1, 0, 6" })
    void anEntryThatBreaksARuleIsReportedWithItsAddress(long address, int length, int flags, int code)
            throws IOException {
        driver.list(SOURCES, List.of(new Buffer(0, PAGE)));
        driver.list(TARGETS, List.of(new Buffer(RAM / 2, PAGE)));
        driver.entry(TARGETS + 16, address, length, flags);
        driver.lists(SOURCES, 1, TARGETS, 2);
        driver.ring();
        assertFailure(code, TARGETS + 16);
        assertThat(driver.read64(CopyDriver.BYTES)).isZero();
    }

    @Test
    void asManyBytesAsAreReadAreWritten() throws IOException {
        ring(List.of(new Buffer(0, PAGE)), List.of(new Buffer(RAM / 2, PAGE - 1)));
        assertFailure(5, TARGETS);
        assertThat(driver.read64(CopyDriver.BYTES)).isZero();
    }

    @Test
    void theMostBytesOfAJobAreCopied() throws IOException {
        List<Buffer> sources = new ArrayList<>();
        List<Buffer> targets = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            sources.add(new Buffer(0, 4 << 20));
            targets.add(new Buffer(8 << 20, 4 << 20));
        }
        ring(sources, targets);
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.DONE);
        assertThat(driver.read64(CopyDriver.BYTES)).isEqualTo(64 << 20);
    }

    @Test
    void memoryThatNobodyGaveIsReportedByItsPage() throws IOException {
        ring(List.of(new Buffer(NOWHERE, PAGE)), List.of(new Buffer(RAM / 2, PAGE)));
        assertFailure(7, NOWHERE);
        driver.write(CopyDriver.RESET, 1);
        ring(List.of(new Buffer(0, 3 * PAGE)), List.of(new Buffer(RAM / 2, PAGE), new Buffer(NOWHERE, 2 * PAGE)));
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.ERROR);
        assertThat(driver.read(CopyDriver.ERROR_CODE)).isEqualTo(8);
        assertThat(driver.read64(CopyDriver.FAULT_ADDRESS)).isEqualTo(NOWHERE);
        assertThat(driver.read64(CopyDriver.BYTES)).as("what was written before").isEqualTo(PAGE);
        driver.lists(NOWHERE, 1, TARGETS, 1);
        driver.ring();
        assertThat(driver.awaitEnd()).isEqualTo(CopyDriver.ERROR);
        assertThat(driver.read(CopyDriver.ERROR_CODE)).isEqualTo(3);
    }

    @Test
    void aDriverThatForgetsTheBusMasterBitIsTold() throws IOException {
        driver.withoutBusMaster();
        ring(List.of(new Buffer(0, PAGE)), List.of(new Buffer(RAM / 2, PAGE)));
        assertFailure(1, 0);
    }

    /** Memory without a file: the function requests it from its front-end, and waits for the answer. */
    private static final long ASKED_FOR = 1L << 32;

    private void beginWhatWaits() throws IOException {
        assertThat(client.map(ASKED_FOR, PAGE, 0, VfioUserClient.MAP_READ)).isZero();
        driver.list(SOURCES, List.of(new Buffer(ASKED_FOR, PAGE)));
        driver.list(TARGETS, List.of(new Buffer(RAM / 2, PAGE)));
        driver.lists(SOURCES, 1, TARGETS, 1);
        driver.write(CopyDriver.INTERRUPT_ENABLE, CopyDriver.DONE);
    }

    @Test
    void aResetAbortsTheJobAndWhatComesLateIsNotWritten() throws IOException {
        beginWhatWaits();
        client.post(VfioUserClient.REGION_WRITE, 0, VfioUserClient.body(20).putLong(CopyDriver.DOORBELL).putInt(0)
                .putInt(4).putInt(1));
        // The doorbell is answered and a request is sent, in any order.
        VfioUserMessage first = client.receive().orElseThrow();
        VfioUserMessage second = client.receive().orElseThrow();
        VfioUserMessage question = first.isReply() ? second : first;
        assertThat(question.command()).isEqualTo(VfioUserClient.DMA_READ);
        assertThat(driver.read(CopyDriver.STATUS)).isEqualTo(CopyDriver.BUSY);
        driver.ring();
        assertThat(driver.read(CopyDriver.STATUS)).as("a doorbell while it is busy").isEqualTo(CopyDriver.BUSY);
        driver.write(CopyDriver.RESET, 1);
        assertThat(driver.read(CopyDriver.STATUS)).isZero();
        assertThat(driver.read(CopyDriver.INTERRUPT_ENABLE)).isZero();
        ByteBuffer late = VfioUserClient.body(16 + PAGE).putLong(ASKED_FOR).putLong(PAGE);
        while (late.hasRemaining())
            late.put((byte) 0x55);
        client.reply(question, 0, late);
        ring(List.of(new Buffer(0, 16)), List.of(new Buffer(RAM / 4, 16)));
        assertThat(driver.awaitEnd()).as("the next job").isEqualTo(CopyDriver.DONE);
        assertThat(driver.read64(CopyDriver.BYTES)).isEqualTo(16);
        assertThat(ram.memory().get(ValueLayout.JAVA_BYTE, RAM / 2)).isZero();
    }

    /** Registers are accessible while a job runs, so it does not block the loop. */
    @Test
    void registersAnswerWhileAJobRuns() throws IOException {
        List<Buffer> sources = new ArrayList<>();
        List<Buffer> targets = new ArrayList<>();
        for (int i = 0; i < 16; i++) {
            sources.add(new Buffer(0, 4 << 20));
            targets.add(new Buffer(8 << 20, 4 << 20));
        }
        ring(sources, targets);
        assertThat(driver.read(CopyDriver.STATUS)).isEqualTo(CopyDriver.BUSY);
        driver.write(CopyDriver.RESET, 1);
        assertThat(driver.read(CopyDriver.STATUS)).isZero();
        assertThat(driver.read64(CopyDriver.BYTES)).isLessThan(64 << 20);
        assertThat(driver.read(CopyDriver.JOBS_DONE)).isZero();
    }

    @Test
    void registersArePlainWhereNothingElseIsSaid() throws IOException {
        driver.lists(0x1234_5678_9abc_def0L, 7, -2, 9);
        assertThat(driver.read64(0x10)).isEqualTo(0x1234_5678_9abc_def0L);
        assertThat(driver.read64(0x20)).isEqualTo(-2);
        assertThat(driver.read(0x18)).isEqualTo(7);
        assertThat(driver.read(0x28)).isEqualTo(9);
        assertThat(client.read(0, 0x11, 1).body().get(16)).as("a byte of a register").isEqualTo((byte) 0xde);
        driver.write(0x100, 1);
        assertThat(driver.read(0x100)).isZero();
        assertThat(client.write(0, CopyDriver.DOORBELL, (byte) 1)).as("a byte is no doorbell").isZero();
        assertThat(driver.read(CopyDriver.STATUS)).isZero();
    }
}
