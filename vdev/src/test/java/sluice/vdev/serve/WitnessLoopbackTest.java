package sluice.vdev.serve;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.FileMappings;
import sluice.dmacore.model.Eviction;
import sluice.dmacore.model.ShadowCaches;
import sluice.vdev.device.FunctionContext;
import sluice.vdev.device.PciFunction;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.fixture.VfioUserMessage;
import sluice.vdev.io.BoundSocket;
import sluice.vdev.io.SocketAccess;
import sluice.vdev.pci.Bar;
import sluice.vdev.pci.ConfigLayout;
import sluice.vdev.pci.ConfigSpace;
import sluice.vdev.plugin.DeviceOptions;
import sluice.vdev.plugin.DeviceProvider;
import sluice.vdev.plugin.ProvidedDevice;
import sluice.vdev.witness.WitnessProvider;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * A card that does not snoop and a witness, served as {@code ./sluice serve} does. The test is QEMU, with all memory mapped for both
 * as without an IOMMU, and the module in the guest's kernel.
 */
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class WitnessLoopbackTest {
    private static final long SEED = 20261130;
    private static final int PAGE = 4096;
    private static final long RAM = 128L << 20;
    /** Where the message is, and a buffer of two pages that do not follow each other. */
    private static final long MESSAGE = 1L << 20;
    private static final long[] BUFFER = { 5L << 20, (7L << 20) + PAGE };

    private static final int PAGE_LOW = 0x08;
    private static final int DOORBELL = 0x10;
    private static final int HELLO = 1;
    private static final int MAP = 2;
    private static final int UNMAP = 3;
    private static final int SYNC_FOR_CPU = 4;
    private static final int ALLOC = 6;
    private static final int GOODBYE = 10;
    private static final int UNBOUND = 11;
    private static final int CHAIN = 12;
    private static final int FROM_DEVICE = 2;

    /** Writes a byte over a range: registers are address, length, and the byte with what begins it. */
    private static final class Card implements PciFunction {
        private final List<Bar> bars = List.of(Bar.registers(0, PAGE));
        private final ConfigSpace config = new ConfigLayout(0x1234, 0x0001, 0xff0000, 0).bars(bars).build();
        private @Nullable FunctionContext context;
        private long address;
        private int length;
        private long outcome = -1;

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
            return outcome;
        }

        @Override
        public void write(int bar, long offset, int size, long value) {
            if (offset == 0) address = value;
            if (offset == 4) length = (int) value;
            FunctionContext present = context;
            if (offset != 8 || present == null) return;
            byte[] bytes = new byte[length];
            Arrays.fill(bytes, (byte) value);
            outcome = present.write(address, MemorySegment.ofArray(bytes), 0, length) == FunctionContext.Dma.DONE
                    ? 0
                    : 1;
        }

        @Override
        public void reset() {
            outcome = -1;
        }
    }

    @TempDir
    private Path folder;

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(
            DmaCoreOptions.counting().withExecutor(new ShadowCaches(FileMappings.ofProcess(), new Eviction.Lazy())),
            findings);
    private final ServerProcess process = new ServerProcess(core);
    private DeviceServer witnessServer;
    private DeviceServer cardServer;
    private VfioUserClient witness;
    private VfioUserClient card;
    private GuestRam ram;
    private int sequence;
    private int chain;
    private String call = "dma_sync_single_for_device";

    @BeforeEach
    void start() throws Exception {
        process.openWitness();
        witnessServer = serve(new WitnessProvider(), "witness", Map.of());
        cardServer = serve(new Making("card", new ProvidedDevice.Function(new Card())), "card",
                Map.of("coherency", List.of("non-coherent")));
        ram = GuestRam.single(RAM, SEED);
        witness = connect("witness");
        card = connect("card");
        write(PAGE_LOW, (int) MESSAGE);
        write(PAGE_LOW + 4, 0);
    }

    private DeviceServer serve(DeviceProvider provider, String name, Map<String, List<String>> options)
            throws Exception {
        DeviceServer server = DeviceServer.make(provider, new DeviceOptions(options), name, process);
        server.listen(BoundSocket.listen(folder.resolve(name), SocketAccess.OWNER));
        return server;
    }

    private VfioUserClient connect(String name) throws IOException {
        VfioUserClient client = new VfioUserClient(UnixSocket.connect(folder.resolve(name)));
        client.agree();
        client.write32(VfioUserClient.CONFIG_REGION, 4, 6);
        assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
        return client;
    }

    @AfterEach
    void end() {
        witness.close();
        card.close();
        witnessServer.close();
        cardServer.close();
        process.close();
        ram.close();
    }

    private void write(int register, int value) throws IOException {
        witness.write32(0, register, value);
    }

    /** What the module does: writes a message, reads the doorbell. */
    private int tell(int operation, int direction, long... pages) throws IOException {
        return tell(++sequence, operation, direction, 1, pages.length, pages);
    }

    private int tell(int number, int operation, int direction, int device, int total, long... pages)
            throws IOException {
        ByteBuffer message = ByteBuffer.allocate(136 + 16 * pages.length).order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(number).putInt(operation).putInt(direction).putInt(0).putInt(0x0028).putInt(device).putInt(total)
                .putInt(0).putInt(pages.length);
        message.position(72).put("0000:00:05.0".getBytes(StandardCharsets.US_ASCII));
        message.position(100).put(call.getBytes(StandardCharsets.US_ASCII)).position(128);
        message.putInt(chain).putInt(0);
        for (long page : pages) message.putLong(page).putInt(PAGE).putInt(0);
        MemorySegment.copy(message.array(), 0, ram.memory(), ValueLayout.JAVA_BYTE, MESSAGE, message.capacity());
        return witness.read32(0, DOORBELL);
    }

    private void cardWrites(long address, int length, int value) throws IOException {
        card.write32(0, 0, (int) address);
        card.write32(0, 4, length);
        card.write32(0, 8, value);
        assertThat(card.read32(0, 0)).isZero();
    }

    private byte[] cpuReads(long address) {
        return ram.memory().asSlice(address, PAGE).toArray(ValueLayout.JAVA_BYTE);
    }

    private void hello() throws IOException {
        assertThat(tell(HELLO, 0)).isEqualTo(sequence);
    }

    @Test
    void theCardIsKnownByItsCapability() throws IOException {
        int at = card.read32(VfioUserClient.CONFIG_REGION, 0x34) & 0xff;
        assertThat(card.read32(VfioUserClient.CONFIG_REGION, 4) >>> 20 & 1).as("it has capabilities").isEqualTo(1);
        assertThat(card.read32(VfioUserClient.CONFIG_REGION, at)).as("vendor-specific, the last, 8 bytes")
                .isEqualTo(0x080009);
        assertThat(card.read32(VfioUserClient.CONFIG_REGION, at + 4)).as("SL, 1").isEqualTo(0x1_4c53);
        assertThat(witness.read32(VfioUserClient.CONFIG_REGION, 0x34) & 0xff).as("the witness has none").isZero();
    }

    @Test
    void aFrameArrivesWithTheKernelsSync() throws IOException {
        hello();
        assertThat(tell(MAP, FROM_DEVICE, BUFFER)).isEqualTo(sequence);
        for (long page : BUFFER) cardWrites(page, PAGE, 0x77);
        assertThat(cpuReads(BUFFER[0])).as("before it").doesNotContain(0x77);
        assertThat(tell(SYNC_FOR_CPU, FROM_DEVICE, BUFFER)).isEqualTo(sequence);
        for (long page : BUFFER) assertThat(cpuReads(page)).containsOnly(0x77);
        assertThat(tell(UNMAP, FROM_DEVICE, BUFFER)).isEqualTo(sequence);
        assertThat(findings.errors()).isEmpty();
    }

    @Test
    void aForgottenSyncIsFound() throws IOException {
        hello();
        tell(MAP, FROM_DEVICE, BUFFER);
        cardWrites(BUFFER[0], PAGE, 0x77);
        tell(SYNC_FOR_CPU, FROM_DEVICE, BUFFER);
        cardWrites(BUFFER[0], PAGE, 0x78);
        assertThat(cpuReads(BUFFER[0])).as("the frame before").containsOnly(0x77);
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.MISSING_SYNC_FOR_DEVICE);
        assertThat(findings.errors()).extracting(Finding::device).containsExactly("card");
        assertThat(findings.errors()).extracting(Finding::buffer).singleElement().asString()
                .startsWith("dma_sync_single_for_device");
    }

    @Test
    void whatADriverLeavesIsFound() throws IOException {
        hello();
        tell(MAP, FROM_DEVICE, BUFFER);
        assertThat(tell(UNBOUND, 0)).isEqualTo(sequence);
        assertThat(findings.errors()).singleElement().satisfies(finding -> {
            assertThat(finding.rule()).isEqualTo(Rule.D25_MAPPED_AT_DETACH);
            assertThat(finding.site()).isEqualTo("dma_sync_single_for_device"); // the message's call, whichever it is
            assertThat(finding.length()).isEqualTo(2L * PAGE);
        });
        assertThat(tell(UNMAP, FROM_DEVICE, BUFFER)).isEqualTo(sequence);
        assertThat(findings.errors()).extracting(Finding::rule).contains(Rule.D2_UNMAP_NOT_MAPPED);
    }

    /** Until the module reports it, a non-coherent card is treated as coherent. */
    @Test
    void beforeTheModuleTheCardIsCoherent() throws IOException {
        cardWrites(BUFFER[0], PAGE, 0x77);
        assertThat(cpuReads(BUFFER[0])).containsOnly(0x77);
        assertThat(findings.errors()).isEmpty();
        hello();
        cardWrites(BUFFER[0], PAGE, 0x78);
        assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.DEVICE_FOREIGN_ADDRESS);
        tell(GOODBYE, 0);
        cardWrites(BUFFER[1], PAGE, 0x78);
        assertThat(findings.errors()).hasSize(1);
    }

    @Test
    void coherentMemoryIsSeenAtOnce() throws IOException {
        hello();
        tell(ALLOC, 0, BUFFER[0]);
        cardWrites(BUFFER[0], PAGE, 0x55);
        assertThat(cpuReads(BUFFER[0])).containsOnly(0x55);
        assertThat(findings.errors()).isEmpty();
    }

    private void tellChain(int number, String text) throws IOException {
        byte[] bytes = text.getBytes(StandardCharsets.US_ASCII);
        ByteBuffer message = ByteBuffer.allocate(136 + bytes.length).order(ByteOrder.LITTLE_ENDIAN);
        message.putInt(++sequence).putInt(CHAIN).putLong(64, bytes.length).putInt(128, number).put(136, bytes);
        MemorySegment.copy(message.array(), 0, ram.memory(), ValueLayout.JAVA_BYTE, MESSAGE, message.capacity());
        assertThat(witness.read32(0, DOORBELL)).isEqualTo(sequence);
    }

    /** Who called is told once, and known by its number; what is no function of a kernel is not kept. */
    @Test
    void aFindingHasTheCallChain() throws IOException {
        hello();
        tellChain(3, "ftrace_trampoline+0x68/0x80 [__builtin__ftrace]\n__dma_sync_single_for_cpu+0x5/0x90\n"
                + "\u001b[2J+0x1/0x2\nnot a function\ndriver_irq.cold+0x1a/0x2c [driver]\n0xffffffffc0000001\n"
                + "x".repeat(500) + "\n" + "deep+0x1/0x2\n".repeat(99));
        tellChain(3, "another+0x1/0x2");
        tellChain(0, "of_no_number+0x1/0x2");
        tellChain(9999, "of_too_high_a_number+0x1/0x2");
        for (int number : new int[]{ 3, 0, 9999, -1 }) {
            chain = number;
            findings.clear();
            tell(SYNC_FOR_CPU, FROM_DEVICE, BUFFER[0]);
            assertThat(findings.errors()).singleElement().satisfies(finding -> {
                assertThat(finding.rule()).isEqualTo(Rule.D19_SYNC_NOT_MAPPED);
                if (number != 3) assertThat(finding.chain()).isEmpty();
                else
                    assertThat(finding.chain().lines()).hasSize(20).startsWith("__dma_sync_single_for_cpu+0x5/0x90",
                            "driver_irq.cold+0x1a/0x2c [driver]", "deep+0x1/0x2");
            });
        }
        chain = 3;
        findings.clear();
        tell(GOODBYE, 0);
        hello();
        tell(SYNC_FOR_CPU, FROM_DEVICE, BUFFER[0]);
        assertThat(findings.errors()).singleElement().extracting(Finding::chain).as("another kernel's").isEqualTo("");
    }

    /** A second card, which takes little: what the kernel maps for it all the same is found, and named after the call. */
    @Test
    void whatACardCannotTakeIsFound() throws Exception {
        try (DeviceServer server = serve(new Making("narrow", new ProvidedDevice.Function(new Card())), "narrow",
                Map.of("max-segments", List.of("1"), "contiguous", List.of(""), "dma-mask", List.of("22")))) {
            assertThat(server.failure()).isNull();
            try (VfioUserClient narrow = connect("narrow")) {
                tell(++sequence, HELLO, 0, 2, 0);
                call = "dma_map_sg";
                assertThat(tell(++sequence, MAP, FROM_DEVICE, 2, 2, BUFFER)).isEqualTo(sequence);
                assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.BEYOND_DMA_MASK,
                        Rule.TOO_MANY_SEGMENTS, Rule.NOT_CONTIGUOUS);
                assertThat(findings.errors()).extracting(Finding::site).containsOnly("dma_map_sg FROM_DEVICE");
                byte[] before = cpuReads(BUFFER[0]);
                narrow.write32(0, 0, (int) BUFFER[0]);
                narrow.write32(0, 4, PAGE);
                narrow.write32(0, 8, 0x77);
                assertThat(narrow.read32(0, 0)).as("it faults, though the kernel has mapped it").isEqualTo(1);
                assertThat(cpuReads(BUFFER[0])).isEqualTo(before);
            }
        }
    }

    /** A guest that says what makes no sense is answered, and gets no further. */
    @Test
    void senselessMessagesAreRefused() throws IOException {
        hello();
        assertThat(tell(99, 0)).as("an operation that is none").isZero();
        assertThat(tell(MAP, 3, BUFFER)).as("no direction").isZero();
        assertThat(tell(++sequence, MAP, FROM_DEVICE, 77, 2, BUFFER)).as("a device that is not served").isNotZero();
        assertThat(tell(++sequence, MAP, FROM_DEVICE, 1, 1, BUFFER)).as("more entries than announced").isZero();
        write(PAGE_LOW, -PAGE);
        assertThat(tell(MAP, FROM_DEVICE, BUFFER)).as("a message in no memory").isZero();
        write(PAGE_LOW, (int) MESSAGE);
        assertThat(tell(MAP, FROM_DEVICE, BUFFER)).isEqualTo(sequence);
        assertThat(tell(MAP, FROM_DEVICE, 0x7fff_ffff_f000L)).as("memory that is not there is elsewhere")
                .isEqualTo(sequence);
    }

    /** Whatever a guest writes into its page: no answer is missing, and the card goes on. */
    @Test
    void garbageIsSurvived() throws IOException {
        System.out.println("seed " + SEED);
        Random random = new Random(SEED);
        hello();
        byte[] page = new byte[PAGE];
        for (int i = 0; i < 3000; i++) {
            random.nextBytes(page);
            ByteBuffer message = ByteBuffer.wrap(page).order(ByteOrder.LITTLE_ENDIAN);
            // Mostly such that it comes far.
            if (random.nextInt(8) != 0) message.putInt(4, random.nextInt(14));
            if (random.nextInt(8) != 0) message.putInt(8, random.nextInt(4));
            message.putInt(12, random.nextInt(1 << 11));
            message.putInt(20, random.nextInt(3));
            int entries = random.nextInt(5);
            if (random.nextInt(8) != 0) message.putInt(24, entries).putInt(28, 0).putInt(32, entries);
            for (int entry = 0; entry < entries && random.nextInt(16) != 0; entry++) {
                message.putLong(136 + 16 * entry, (2L << 20) + random.nextInt(8) * PAGE / 2);
                message.putInt(144 + 16 * entry, random.nextInt(1, 3 * PAGE));
            }
            message.put(72, (byte) ('a' + random.nextInt(4))).put(73, (byte) 0);
            MemorySegment.copy(page, 0, ram.memory(), ValueLayout.JAVA_BYTE, MESSAGE, PAGE);
            VfioUserMessage answer = witness.read(0, DOORBELL, Integer.BYTES);
            assertThat(answer.error()).as("message %d", i).isZero();
            if (i % 100 == 0) cardWrites((2L << 20) + random.nextInt(8) * PAGE / 2, 64, i);
        }
        tell(GOODBYE, 0);
        cardWrites(BUFFER[0], PAGE, 0x11);
        assertThat(cpuReads(BUFFER[0])).containsOnly(0x11);
    }
}
