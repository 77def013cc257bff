package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.codec.plain.PlainUnits;

import static org.assertj.core.api.Assertions.assertThat;

/** Raw pictures in each layout, with odd sides: where a decoder writes the samples, and where an encoder reads them. */
class RawFormatsTest {
    private static final int WIDTH = 37;
    private static final int HEIGHT = 35;
    private static final int HEADER = 24;

    /** A layout as V4L2 says it: planes, lines of them and heights. */
    private record Layout(RawFormat raw, int height, int[] strides) {
        static Layout of(RawFormat raw, ByteBuffer format) {
            int[] strides = new int[raw.planes()];
            assertThat(format.get(188)).as("planes").isEqualTo((byte) raw.planes());
            for (int i = 0; i < strides.length; i++) strides[i] = format.getInt(28 + 20 * i + 4);
            return new Layout(raw, format.getInt(12), strides);
        }

        /** The piece of memory of a component 0 to 2, and where in it a sample is (pixfmt-yuv-planar.rst). */
        int piece(int component) {
            return raw.planes() == 1 ? 0 : raw.interleaved() ? Math.min(1, component) : component;
        }

        long at(int component, int x, int y) {
            int stride = strides[0];
            if (component == 0) return (long) y * stride + x;
            long base = raw.planes() > 1 ? 0 : (long) stride * height;
            if (raw.interleaved()) return base + (long) y * stride + 2L * x + component - 1;
            int chroma = raw.planes() > 1 ? strides[component] : stride / 2;
            if (raw.planes() == 1 && component == 2) base += (long) chroma * height / 2;
            return base + (long) y * chroma + x;
        }
    }

    @ParameterizedTest
    @EnumSource
    void aDecoderWritesIt(RawFormat raw) throws IOException {
        try (OneThreadMedia device = new OneThreadMedia()) {
            PlainClient client = new PlainClient(device);
            client.setFormat(PlainClient.OUTPUT, "SLPL", WIDTH, HEIGHT);
            Layout layout = Layout.of(raw, client.setFormat(PlainClient.CAPTURE, four(raw), 0, 0));
            client.request(PlainClient.OUTPUT, 1);
            client.request(PlainClient.CAPTURE, 5);
            client.stream(PlainClient.OUTPUT, true);
            client.stream(PlainClient.CAPTURE, true);
            for (int i = 0; i < 5; i++) client.queuePicture(i, raw.planes());
            client.queueUnit(0, PlainUnits.pattern(WIDTH, HEIGHT, 3, 1, 0), 1);
            MediaDriver.Event shown = client.events().stream()
                    .filter(event -> event.isBuffer() && event.type() == PlainClient.CAPTURE).findFirst().orElseThrow();
            assertThat(shown.body().getInt(72)).as("planes").isEqualTo(raw.planes());
            for (int component = 0; component < 3; component++) {
                long memory = client.offset(PlainClient.CAPTURE, shown.index(), layout.piece(component));
                int half = component == 0 ? 0 : 1;
                for (int y = 0; y < (HEIGHT + half) >> half; y++) {
                    for (int x = 0; x < (WIDTH + half) >> half; x++)
                        assertThat(device.read(memory + layout.at(component, x, y)))
                                .as("%d, %d of component %d", x, y, component)
                                .isEqualTo(PlainUnits.sample(3, component, x, y));
                }
            }
            assertThat(device.statistic("copiedBytes.pictures")).as("luma is written in place").isZero();
            if (!raw.interleaved()) assertThat(device.statistic("convertedBytes.pictures")).isZero();
        }
    }

    /** The crop rectangle is what is encoded; its sides are even. */
    @ParameterizedTest
    @EnumSource
    void anEncoderReadsIt(RawFormat raw) throws IOException {
        int width = 36;
        int height = 34;
        try (OneThreadMedia device = OneThreadMedia.encoder(List.of(EncodedFormat.plain()))) {
            PlainClient client = new PlainClient(device);
            Layout layout = Layout.of(raw, client.setFormat(PlainClient.OUTPUT, four(raw), 64, 48));
            ByteBuffer crop = MediaDriver.little(Struct.Selection.BYTES).putInt(0, PlainClient.OUTPUT)
                    .putInt(20, width).putInt(24, height);
            client.ok(Ioctl.S_SELECTION, crop);
            assertThat(List.of(crop.getInt(20), crop.getInt(24))).containsExactly(width, height);
            assertThat(client.format(PlainClient.CAPTURE).getInt(8)).isEqualTo(width);
            client.request(PlainClient.OUTPUT, 1);
            client.request(PlainClient.CAPTURE, 1);
            for (int component = 0; component < 3; component++) {
                long memory = client.offset(PlainClient.OUTPUT, 0, layout.piece(component));
                for (int y = 0; y < (component == 0 ? height : height / 2); y++) {
                    for (int x = 0; x < (component == 0 ? width : width / 2); x++)
                        device.write(memory + layout.at(component, x, y),
                                ByteBuffer.allocate(1).put(0, PlainUnits.sample(9, component, x, y)));
                }
            }
            client.stream(PlainClient.OUTPUT, true);
            client.stream(PlainClient.CAPTURE, true);
            client.queuePicture(0);
            ByteBuffer picture = MediaDriver.buffer(PlainClient.OUTPUT, 0, V4l2.MEMORY_MMAP, raw.planes());
            ByteBuffer format = client.format(PlainClient.OUTPUT);
            for (int i = 0; i < raw.planes(); i++)
                picture.putInt(Struct.Buffer.BYTES + i * Struct.Plane.BYTES, format.getInt(28 + 20 * i));
            client.ok(Ioctl.QBUF, picture);
            MediaDriver.Event coded = client.events().stream()
                    .filter(event -> event.type() == PlainClient.CAPTURE).findFirst().orElseThrow();
            assertThat(coded.flags() & V4l2.BUF_ERROR).isZero();
            assertThat(coded.used()).isEqualTo(HEADER + width * height * 3 / 2);
            long at = (long) client.offset(PlainClient.CAPTURE, 0, 0) + HEADER;
            for (int component = 0; component < 3; component++) {
                for (int y = 0; y < (component == 0 ? height : height / 2); y++) {
                    for (int x = 0; x < (component == 0 ? width : width / 2); x++)
                        assertThat(device.read(at++)).as("%d, %d of component %d", x, y, component)
                                .isEqualTo(PlainUnits.sample(9, component, x, y));
                }
            }
        }
    }

    private static String four(RawFormat raw) {
        return new String(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(raw.fourcc()).array(),
                StandardCharsets.US_ASCII);
    }
}
