package sluice.vdev.vfiouser;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import sluice.dmacore.buffer.Attachment;
import sluice.dmacore.buffer.DeviceMapping;
import sluice.dmacore.buffer.DmaBuf;
import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.device.DeviceDmaParams;
import sluice.dmacore.device.Stream;
import sluice.dmacore.exporter.GuestPages;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.memory.FileMapping;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.memory.Runs;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.dmacore.ownership.Direction;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.loopback.LogTap;

import static org.assertj.core.api.Assertions.assertThat;
import static sluice.vdev.fixture.VfioUserClient.MAP_READ;
import static sluice.vdev.fixture.VfioUserClient.MAP_WRITE;

/** A function that does not snoop: DMA_MAP gives memory to it, and only DMA_UNMAP gives it back. */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class NonCoherentFunctionTest {
    private static final int PAGE = 4096;
    private static final long RAM = 128L << 20;
    private static final int LENGTH = 3 * PAGE;
    /** Where the frame is on the bus, page by page, and where in memory. */
    private static final long BUS = 0xff00_0000L;
    /** Where there is room below 4 GiB for very many pages. */
    private static final long LOW = 0x1000_0000L;
    private static final long MEMORY = 5L << 20;
    private static final int DONE = 0;
    private static final int FAULT = 1;
    private static final long SEED = 20;
    /** Pages of four pictures of the grabber's. */
    private static final int QUEUE = 432;
    private static final int ROUNDS = 40;

    private final Findings findings = new Findings();
    private final ShadowCaches caches = new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy());
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting().withExecutor(caches), findings);
    private final byte[] before = new byte[LENGTH];
    private final byte[] frame = new byte[LENGTH];
    private PlainFunction function;
    private FunctionProcess process;
    private VfioUserClient client;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        random.nextBytes(before);
        random.nextBytes(frame);
        function = new PlainFunction();
        process = new FunctionProcess(function, core, Stream.NON_COHERENT);
        client = process.agreed();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        ram = GuestRam.single(RAM, SEED);
        store(0, before);
    }

    @AfterEach
    void close() {
        client.close();
        process.awaitGone();
        process.close();
        function.close();
        ram.close();
    }

    private void store(int at, byte... bytes) {
        MemorySegment.copy(bytes, 0, ram.memory(), ValueLayout.JAVA_BYTE, MEMORY + at, bytes.length);
    }

    private byte[] load() {
        return ram.memory().asSlice(MEMORY, LENGTH).toArray(ValueLayout.JAVA_BYTE);
    }

    /** As behind an IOMMU: page by page, so that the frame is three buffers. */
    private void mapFrame(int flags) throws IOException {
        for (int at = 0; at < LENGTH; at += PAGE)
            assertThat(client.map(BUS + at, PAGE, MEMORY + at, flags, ram.file())).isZero();
    }

    private void unmapFrame() throws IOException {
        assertThat(client.unmap(BUS, LENGTH)).isZero();
    }

    private int dma(int command, long address, int length) throws IOException {
        client.write32(0, PlainFunction.ADDRESS, (int) address);
        client.write32(0, PlainFunction.LENGTH, length);
        client.write32(0, PlainFunction.COMMAND, command);
        return client.read32(0, PlainFunction.STATE);
    }

    private int functionWrites() throws IOException {
        System.arraycopy(frame, 0, function.buffer, 0, LENGTH);
        return dma(PlainFunction.WRITE, BUS, LENGTH);
    }

    @Test
    void theGuestSeesAFrameAfterTheUnmap() throws IOException {
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(functionWrites()).isEqualTo(DONE);
        assertThat(load()).as("before the unmap").isEqualTo(before);
        unmapFrame();
        assertThat(load()).as("after it").isEqualTo(frame);
        assertThat(core.totals().writeBackExecuted()).isEqualTo(LENGTH);
        assertThat(core.totals().invalidateExecuted()).isEqualTo(LENGTH);
        assertThat(findings.all()).isEmpty();
        assertThat(process.onLoop(() -> process.host().statistics().bytes())).isEqualTo(LENGTH);
    }

    @Test
    void aStoreInTheFunctionsTimeIsLostAndFound() throws IOException {
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(functionWrites()).isEqualTo(DONE);
        store(PAGE + 100, (byte) (before[PAGE + 100] + 1));
        unmapFrame();
        assertThat(load()).as("whole lines come from the function").isEqualTo(frame);
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.CPU_WROTE_DEVICE_OWNED);
            assertThat(finding.buffer()).isEqualTo("0xff001000");
            assertThat(finding.from()).isEqualTo(100);
            assertThat(finding.length()).isEqualTo(1);
        });
    }

    @Test
    void theFunctionReadsWhatWasThereAtTheMap() throws IOException {
        mapFrame(MAP_READ);
        store(10, (byte) (before[10] + 1));
        assertThat(dma(PlainFunction.READ, BUS, LENGTH)).isEqualTo(DONE);
        assertThat(Arrays.copyOf(function.buffer, LENGTH)).isEqualTo(before);
        unmapFrame();
        assertThat(load()[10]).as("what the guest wrote is its own").isEqualTo((byte) (before[10] + 1));
    }

    @Test
    void whatMayOnlyBeReadIsNotWritten() throws IOException {
        mapFrame(MAP_READ);
        assertThat(functionWrites()).isEqualTo(FAULT);
        unmapFrame();
        assertThat(load()).isEqualTo(before);
        assertThat(findings.errors()).isEmpty();
    }

    /** What QEMU does without an IOMMU: a small range at first, then all the rest, never unmapped. */
    @Test
    void aMachineThatIsMappedAtOnceIsRefused() throws IOException {
        try (LogTap log = new LogTap()) {
            mapFrame(MAP_READ | MAP_WRITE);
            assertThat(client.map(1L << 32, RAM, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
            store(0, frame);
            assertThat(dma(PlainFunction.READ, BUS, LENGTH)).isEqualTo(FAULT);
            assertThat(dma(PlainFunction.READ, BUS, LENGTH)).isEqualTo(FAULT);
            assertThat(log.complaints()).singleElement().asString().contains("needs a VM whose guest maps each buffer",
                    "128 MiB at 0x100000000");
        }
        unmapFrame();
        assertThat(load()).as("nothing of the guest's was overwritten").isEqualTo(frame);
        assertThat(findings.all()).isEmpty();
        // The guest switches its IOMMU on.
        assertThat(client.unmap(1L << 32, RAM)).isZero();
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(dma(PlainFunction.READ, BUS, LENGTH)).isEqualTo(DONE);
        assertThat(Arrays.copyOf(function.buffer, LENGTH)).isEqualTo(frame);
        unmapFrame();
    }

    /** The function writes into pages that another device has to write. */
    @Test
    void anotherDevicesPagesAreRecognised() throws IOException {
        FileMapping file = FileMappings.ofProcess().map(ram.file());
        Runs pages = new Runs();
        pages.add(file, MEMORY + PAGE, PAGE);
        DmaBuf other = core.export("scan-out", PAGE, new GuestPages(pages));
        file.release();
        Attachment attachment = other.attach(core.function("display", DeviceDmaParams.throughIommu()),
                Stream.COHERENT);
        DeviceMapping mapping = attachment.map(Direction.BIDIRECTIONAL);
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(findings.errors()).isEmpty();
        assertThat(findings.times(Rule.D17_OVERLAPPING_WRITES)).isEqualTo(1);
        unmapFrame();
        mapping.unmap();
        attachment.detach();
        other.release();
    }

    @Test
    void aFrontEndThatGoesLeavesNothing() throws IOException {
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(functionWrites()).isEqualTo(DONE);
        client.close();
        process.awaitGone();
        assertThat(load()).as("the machine has ended").isEqualTo(before);
        client = process.agreed();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        assertThat(functionWrites()).isEqualTo(FAULT);
        mapFrame(MAP_READ | MAP_WRITE);
        assertThat(functionWrites()).isEqualTo(DONE);
        unmapFrame();
        assertThat(load()).isEqualTo(frame);
        assertThat(findings.errors()).isEmpty();
    }

    /** The process has a heap of 256 MiB, and a guest may map for as long as it likes. */
    @Test
    void thereIsALimitToWhatIsMapped() throws IOException {
        int limit = 32_768;
        try (LogTap log = new LogTap(); GuestRam large = GuestRam.single((limit + 2L) * PAGE, SEED)) {
            for (int page = 0; page < limit; page++) post(page, large);
            assertThat(client.map(LOW + (long) limit * PAGE, PAGE, (long) limit * PAGE, MAP_READ, large.file()))
                    .as("the map stands, for a front-end may not be refused one").isZero();
            assertThat(dma(PlainFunction.READ, LOW + (limit - 1L) * PAGE, PAGE)).isEqualTo(DONE);
            assertThat(dma(PlainFunction.READ, LOW + (long) limit * PAGE, PAGE)).isEqualTo(FAULT);
            assertThat(log.complaints()).hasSize(2).first().asString().contains("32768 buffers are mapped");
            assertThat(client.unmap(LOW, PAGE)).isZero();
            assertThat(client.map(LOW, PAGE, 0, MAP_READ, large.file())).isZero();
            assertThat(dma(PlainFunction.READ, LOW, PAGE)).as("with room again").isEqualTo(DONE);
            assertThat(client.unmap(LOW, (limit + 1L) * PAGE)).isZero();
        }
        assertThat(findings.errors()).isEmpty();
    }

    private void post(int page, GuestRam large) throws IOException {
        ByteBuffer body = VfioUserClient.body(32).putInt(32).putInt(MAP_READ).putLong((long) page * PAGE)
                .putLong(LOW + (long) page * PAGE).putLong(PAGE);
        client.post(VfioUserClient.DMA_MAP, VfioUserClient.NO_REPLY, body, large.file());
    }

    /** Rates are only printed. Asserted: each map is two transfers, and nothing is left at the end. */
    @Test
    void manyMapsLeaveNothing() throws IOException {
        int files = FileMappings.ofProcess().count();
        try (PlainFunction snoops = new PlainFunction(); FunctionProcess other = new FunctionProcess(snoops)) {
            try (VfioUserClient coherent = other.agreed()) {
                mapAndUnmap(coherent);
                System.out.printf("a function that snoops: %.0f maps and unmaps a second%n", mapAndUnmap(coherent));
            }
            other.awaitGone();
        }
        mapAndUnmap(client);
        System.out.printf("one that does not: %.0f maps and unmaps a second%n", mapAndUnmap(client));
        assertThat(core.totals().transfers()).isEqualTo(2 * 2 * ROUNDS * QUEUE);
        assertThat(core.totals().writeBackExecuted()).isEqualTo(2L * ROUNDS * QUEUE * PAGE);
        assertThat(caches.cacheBytes()).isGreaterThan(2 * 2L * ROUNDS * QUEUE * PAGE);
        // A helper thread closes them.
        Deadline.in(Deadline.USUAL).require(() -> FileMappings.ofProcess().count() <= files,
                "the end of the mappings of the guest and of its shadow");
        assertThat(findings.all()).isEmpty();
    }

    /** Only the last map of a queue is waited for. */
    private double mapAndUnmap(VfioUserClient by) throws IOException {
        long begun = System.nanoTime();
        for (int round = 0; round < ROUNDS; round++) {
            for (int i = 1; i < QUEUE; i++) {
                ByteBuffer body = VfioUserClient.body(32).putInt(32).putInt(MAP_READ | MAP_WRITE)
                        .putLong(i * 7L * PAGE).putLong(BUS + (long) i * PAGE).putLong(PAGE);
                by.post(VfioUserClient.DMA_MAP, VfioUserClient.NO_REPLY, body, ram.file());
            }
            assertThat(by.map(BUS, PAGE, 0, MAP_READ | MAP_WRITE, ram.file())).isZero();
            assertThat(by.unmap(BUS, (long) QUEUE * PAGE)).isZero();
        }
        return ROUNDS * QUEUE * 1e9 / (System.nanoTime() - begun);
    }
}
