package sluice.vdev.tw686x;

import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import sluice.dmacore.buffer.DmaCore;
import sluice.dmacore.buffer.DmaCoreOptions;
import sluice.dmacore.finding.Finding;
import sluice.dmacore.finding.Findings;
import sluice.dmacore.finding.Rule;
import sluice.vdev.fixture.GpuBlobPicture;
import sluice.vdev.fixture.GpuWire;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.gpu.GpuStatistics;
import sluice.vdev.loopback.ObjectScreen;
import sluice.vdev.plugin.WrongOptionException;
import sluice.vdev.serve.ServedDevice;
import sluice.vdev.vfg7350.Vfg7350Provider;
import sluice.vdev.video.NumberedLines;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

/** The last pictures of a capture card's channels are resources of the GPU of the same process, wherever the card has written them. */
@Tag("loopback")
@Timeout(value = 60, unit = TimeUnit.SECONDS)
class ExportedChannelsLoopbackTest {
    private static final List<UUID> NAMES = Stream.of("a", "b", "c", "d", "e", "f", "1", "2")
            .map(last -> UUID.fromString("1f6a0c52-7b3d-4e8a-9c41-6d20e5b7f80" + last)).toList();
    private static final UUID NAME = NAMES.getFirst();
    private static final int PAGE = 4096;
    private static final int LINE = 720;
    private static final int HEIGHT = 20;
    private static final int BYTES = LINE * HEIGHT;
    private static final long RAM = 4 << 20;
    private static final long P = 0x10_0000;
    private static final long B = 0x18_0000;
    private static final long LISTS = 0x8000;
    /** Two pixels of the card in one of the GPU's. */
    private static final GpuBlobPicture SHOWN = GpuBlobPicture.of(GpuWire.FORMAT_B8G8R8X8, LINE / 4, HEIGHT);

    private final Findings findings = new Findings();
    private final DmaCore core = DmaCore.open(DmaCoreOptions.counting(), findings);
    private ObjectScreen screen;
    private GuestRam ram;

    @BeforeEach
    void start() throws IOException {
        screen = new ObjectScreen(core);
        ram = GuestRam.single(RAM, 1);
    }

    @AfterEach
    void end() {
        screen.close();
        ram.close();
        assertThat(core.exported().count()).as("exported objects").isZero();
    }

    /** A card with the names of its first channels, over the whole of the guest's memory. */
    private final class Card implements AutoCloseable {
        private final ServedDevice device;
        private final VfioUserClient client;
        private final Tw686xDriver driver;

        Card(UUID... names) throws Exception {
            device = ServedDevice.of(core, new Tw686xProvider(), Map.of("numbered", List.of(""), "fps", List.of("500"),
                    "export", Stream.of(names).map(UUID::toString).toList()));
            client = device.client();
            assertThat(client.map(0, RAM, 0, VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE, ram.file())).isZero();
            driver = new Tw686xDriver(client);
        }

        @Override
        public void close() {
            driver.close();
            client.close();
            device.close();
        }
    }

    private static byte[] picture(long frame) {
        byte[] bytes = new byte[BYTES];
        new NumberedLines().fill(frame, LINE, HEIGHT, bytes);
        return bytes;
    }

    private static int[] pixels(byte[] bytes) {
        int[] pixels = new int[bytes.length / 4];
        for (int i = 0; i < pixels.length; i++)
            pixels[i] = (bytes[4 * i] & 0xff) | (bytes[4 * i + 1] & 0xff) << 8 | (bytes[4 * i + 2] & 0xff) << 16;
        return pixels;
    }

    /** The same lines, those of the second field behind those of the first. */
    private static byte[] fields(byte[] lines) {
        byte[] fields = new byte[lines.length];
        for (int i = 0; i < HEIGHT; i++)
            System.arraycopy(lines, i * LINE, fields, (i / 2 + i % 2 * (HEIGHT / 2)) * LINE, LINE);
        return fields;
    }

    private void nothingWasCopied() {
        assertThat(findings.errors()).isEmpty();
        assertThat(core.bouncedBytes()).as("bytes bounced").isZero();
        assertThat(screen.backEnd().statistic(GpuStatistics::transferBytes)).as("bytes transferred").isZero();
    }

    @Test
    void wholePicturesAreShownWhereTheyAre() throws Exception {
        try (Card card = new Card(NAME)) {
            card.driver.whole(0, LINE, LINE, HEIGHT, P, B);
            card.driver.run(1);
            long heap = 0;
            for (int frame = 0; frame < 8; frame++) {
                card.driver.awaitPictures(1);
                if (frame == 0) screen.show(NAME, BYTES, SHOWN);
                assertThat(screen.flushed()).as("frame %d", frame).isEqualTo(pixels(picture(frame)));
                if (frame == 1) heap = screen.heap();
                if (frame > 1) assertThat(screen.heap()).as("it knows both buffers").isEqualTo(heap);
                assertThat(card.driver.taken()).isEqualTo(frame % 2);
            }
            nothingWasCopied();
            screen.drop();
        }
    }

    /** A list of pages in no order, as that of scattered memory. */
    private void list(long table, long first) {
        for (int i = 0; i * PAGE < BYTES; i++) {
            ram.memory().set(ValueLayout.JAVA_INT_UNALIGNED, table + 8L * i,
                    1 << 30 | Math.min(PAGE, BYTES - i * PAGE));
            ram.memory().set(ValueLayout.JAVA_INT_UNALIGNED, table + 8L * i + 4, (int) (first + (i ^ 1) * (long) PAGE));
        }
    }

    @Test
    void scatteredPicturesAreShownWhereTheyAre() throws Exception {
        list(LISTS, P);
        list(LISTS + PAGE, B);
        try (Card card = new Card(NAME)) {
            card.driver.byLists(LINE, HEIGHT, LISTS, LISTS + PAGE);
            card.driver.run(1);
            for (int frame = 0; frame < 6; frame++) {
                card.driver.awaitPictures(1);
                if (frame == 0) screen.show(NAME, BYTES, SHOWN);
                assertThat(screen.flushed()).as("frame %d", frame).isEqualTo(pixels(fields(picture(frame))));
                card.driver.taken();
            }
            nothingWasCopied();
            screen.drop();
        }
    }

    /** The object is the lines without the gaps between them. */
    @Test
    void linesMayLieApart() throws Exception {
        try (Card card = new Card(NAME)) {
            card.driver.whole(0, LINE, 1024, HEIGHT, P, B);
            card.driver.run(1);
            card.driver.awaitPictures(1);
            screen.show(NAME, BYTES, SHOWN);
            assertThat(screen.flushed()).isEqualTo(pixels(picture(0)));
            screen.drop();
        }
    }

    /** Each channel has an object of its own, also when both run. */
    @Test
    void eachNameIsThatOfItsChannel() throws Exception {
        try (Card card = new Card(NAMES.get(0), NAMES.get(1))) {
            card.driver.whole(1, LINE, LINE, HEIGHT, P, B);
            card.driver.run(2);
            card.driver.awaitPictures(2);
            assertThat(core.exported().find(NAMES.get(0))).as("channel 0 does not capture").isNull();
            screen.show(NAMES.get(1), BYTES, SHOWN);
            assertThat(screen.flushed()).isEqualTo(pixels(picture(0)));
            card.driver.taken();
            card.driver.whole(0, LINE, LINE, HEIGHT, P + 0x8_0000 + 0x4000, B + 0x8_0000);
            card.driver.run(3);
            card.driver.awaitPictures(1);
            assertThat(core.exported().find(NAMES.get(0))).isNotNull();
            card.driver.run(2);
            assertThat(core.exported().find(NAMES.get(0))).as("channel 0 has stopped").isNull();
            assertThat(core.exported().find(NAMES.get(1))).isNotNull();
            screen.drop();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = { "stop", "reset", "unmap" })
    void aChannelThatEndsIsBlack(String how) throws Exception {
        try (Card card = new Card(NAME)) {
            card.driver.whole(0, LINE, LINE, HEIGHT, P, B);
            card.driver.run(1);
            card.driver.awaitPictures(1);
            screen.show(NAME, BYTES, SHOWN);
            assertThat(screen.flushed()).isEqualTo(pixels(picture(0)));
            switch (how) {
                case "stop" -> card.driver.run(0);
                case "reset" ->
                    assertThat(card.client.ask(VfioUserClient.RESET, VfioUserClient.body(0)).errno()).isZero();
                default -> assertThat(card.client.unmap(0, RAM)).isZero();
            }
            assertThat(core.exported().find(NAME)).isNull();
            ram.memory().asSlice(P, BYTES).fill((byte) 0x5a);
            screen.flush().requireType(GpuWire.RESP_ERR_UNSPEC);
            assertThat(screen.seenByANewDisplay()).containsOnly(0);
            assertThat(findings.errors()).extracting(Finding::rule).containsExactly(Rule.SHOWN_WITHOUT_MEMORY);
            screen.drop();
            assertThat(core.buffers()).isEmpty();
        }
    }

    @Test
    void theNamesAreInItsConfigurationSpace() throws Exception {
        try (Card card = new Card(NAMES.subList(0, 7).toArray(UUID[]::new))) {
            Map<Integer, UUID> found = new TreeMap<>();
            int at = card.client.read32(VfioUserClient.CONFIG_REGION, 0x34) & 0xff;
            while (at != 0) {
                int head = card.client.read32(VfioUserClient.CONFIG_REGION, at);
                int kind = card.client.read32(VfioUserClient.CONFIG_REGION, at + 4);
                assertThat(kind & 0xffff).as("SO").isEqualTo(0x4f53);
                ByteBuffer uuid = ByteBuffer.allocate(16).order(ByteOrder.LITTLE_ENDIAN);
                for (int i = 8; i < 24; i += 4)
                    uuid.putInt(card.client.read32(VfioUserClient.CONFIG_REGION, at + i));
                uuid.flip().order(ByteOrder.BIG_ENDIAN);
                found.put(kind >>> 16, new UUID(uuid.getLong(), uuid.getLong()));
                at = head >>> 8 & 0xff;
            }
            assertThat(found.values()).containsExactlyElementsOf(NAMES.subList(0, 7));
            assertThat(found.keySet()).containsExactly(0, 1, 2, 3, 4, 5, 6);
        }
    }

    private void refused(String why, String chip, List<UUID> names) {
        Map<String, List<String>> options = Map.of("chip", List.of(chip), "export",
                names.stream().map(UUID::toString).toList());
        assertThatThrownBy(() -> ServedDevice.of(core, new Tw686xProvider(), options))
                .isInstanceOf(WrongOptionException.class).hasMessageEndingWith(": " + why);
    }

    /** Two cards with one name would replace each other's pictures. */
    @Test
    void aNameIsThatOfOneCardUntilItEnds() throws Exception {
        Map<String, List<String>> third = Map.of("chip", List.of("6864"), "export",
                List.of(NAMES.get(2).toString(), NAME.toString()));
        try (ServedDevice first = new ServedDevice(core, new Tw686xProvider(), "export", NAME.toString())) {
            assertThatThrownBy(() -> ServedDevice.of(core, new Tw686xProvider(), third))
                    .isInstanceOf(WrongOptionException.class)
                    .hasMessageEndingWith(
                            "export=%s is that of another device of this process: each picture has a name of its own"
                                    .formatted(NAME));
            assertThat(first.socket()).exists();
        }
        ServedDevice.of(core, new Tw686xProvider(), third).close();
    }

    @Test
    void whatACardCannotExportItSays() {
        refused("export: 5 UUIDs are given for 4 channels", "6864", NAMES.subList(0, 5));
        refused("export: 8 UUIDs are given, and the configuration space has room for 7", "6869", NAMES);
        refused("export=%s is given twice: each channel has a name of its own".formatted(NAME), "6869",
                List.of(NAME, NAME));
        assertThatThrownBy(() -> new ServedDevice(core, new Vfg7350Provider(), "export", NAME.toString()))
                .isInstanceOf(WrongOptionException.class)
                .hasMessageContaining("export: this card writes packets of a transport stream");
    }
}
