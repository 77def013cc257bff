package sluice.vdev.media;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Engines;

import static org.assertj.core.api.Assertions.assertThat;

/** Streams that are entered in the middle, that end, and that are damaged. */
class CodedSeekTest {
    private static final int CAPTURES = 14;
    /** Pictures between two key pictures that are shown before the second, and need the first. */
    private static final int LEADING = 3;

    private static PlainClient client(OneThreadMedia device) {
        PlainClient client = new PlainClient(device);
        client.ok(Ioctl.S_FMT, MediaDriver.little(Struct.Format.BYTES).putInt(0, PlainClient.OUTPUT)
                .putInt(8, CodedClip.WIDTH).putInt(12, CodedClip.HEIGHT).putInt(28, 1 << 17));
        client.request(PlainClient.OUTPUT, 1);
        client.request(PlainClient.CAPTURE, CAPTURES);
        client.stream(PlainClient.OUTPUT, true);
        client.stream(PlainClient.CAPTURE, true);
        for (int i = 0; i < CAPTURES; i++) client.queuePicture(i);
        return client;
    }

    private static OneThreadMedia device(CodecEngine engine, Coding coding) throws IOException {
        return new OneThreadMedia(List.of(CodedFormat.of(coding, engine)));
    }

    /** Decodes a unit, and queues the buffers of its pictures again: the times of these, negative if they have errors. */
    private static List<Long> decode(PlainClient client, byte[] unit, int time) {
        client.queueUnit(0, ByteBuffer.wrap(unit), time);
        return shown(client);
    }

    private static List<Long> shown(PlainClient client) {
        List<Long> times = new ArrayList<>();
        for (MediaDriver.Event event : client.events()) {
            if (event.type() != PlainClient.CAPTURE) continue;
            if (event.used() > 0)
                times.add((event.flags() & V4l2.BUF_ERROR) == 0 ? event.seconds() : -event.seconds());
            if ((event.flags() & V4l2.BUF_LAST) == 0) client.queuePicture(event.index());
        }
        return times;
    }

    private static List<Long> drain(PlainClient client) {
        assertThat(client.command(V4l2.CMD_STOP)).isZero();
        return shown(client);
    }

    /** After a seek into the middle, pictures come from the next key picture on, and none of those before. */
    @ParameterizedTest
    @EnumSource(Coding.class)
    void decodingGoesOnAtTheNextKeyPicture(Coding coding) throws CodecException, IOException {
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = CodedClip.units(engine, coding);
        int group = coding == Coding.HEVC ? CodedClip.SECOND_KEY_OF_HEVC : CodedClip.GROUP;
        try (OneThreadMedia device = device(engine, coding)) {
            PlainClient client = client(device);
            List<Long> before = new ArrayList<>();
            for (int i = 0; i < 5; i++) before.addAll(decode(client, units.get(i), 1 + i));
            assertThat(before).doesNotHaveDuplicates().allMatch(time -> time >= 1 && time <= 5);
            client.stream(PlainClient.OUTPUT, false);
            client.stream(PlainClient.OUTPUT, true);
            List<Long> after = new ArrayList<>();
            for (int i = 7; i < units.size(); i++) after.addAll(decode(client, units.get(i), 101 + i));
            after.addAll(drain(client));
            int first = coding == Coding.MJPEG ? 7 : group;
            assertThat(after).as("the seek ends at unit %d", first).doesNotHaveDuplicates().contains(101L + first)
                    .allMatch(time -> time >= 101 + first)
                    .hasSizeBetween(units.size() - first - LEADING, units.size() - first);
        }
    }

    /** An end of stream after the last unit, as it is written with it, or in a unit of its own. */
    @ParameterizedTest
    @CsvSource({ "H264, 000000010b, true", "H264, 0000010b0000, false", "HEVC, 000000014a01, true",
            "HEVC, 0000014a01, false" })
    void aStreamThatSaysThatItEndsIsDrained(Coding coding, String mark, boolean together)
            throws CodecException, IOException {
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = new ArrayList<>(CodedClip.units(engine, coding));
        byte[] end = HexFormat.of().parseHex(mark);
        byte[] last = units.getLast();
        if (together) {
            byte[] both = Arrays.copyOf(last, last.length + end.length);
            System.arraycopy(end, 0, both, last.length, end.length);
            units.set(units.size() - 1, both);
        } else {
            units.add(end);
        }
        try (OneThreadMedia device = device(engine, coding)) {
            PlainClient client = client(device);
            client.subscribe(V4l2.EVENT_EOS);
            List<Long> times = new ArrayList<>();
            for (int i = 0; i < units.size() - 1; i++) times.addAll(decode(client, units.get(i), 1 + i));
            client.queueUnit(0, ByteBuffer.wrap(units.getLast()), units.size());
            List<String> said = client.said();
            assertThat(said).contains("empty last", "eos", "unit 0");
            assertThat(times.size() + said.stream().filter(one -> one.startsWith("picture")).count())
                    .isEqualTo(CodedClip.FRAMES);
            // What comes after it is another stream.
            assertThat(client.command(V4l2.CMD_START)).isZero();
            for (int i = 0; i < CAPTURES; i++)
                client.call(Ioctl.QBUF, MediaDriver.buffer(PlainClient.CAPTURE, i, V4l2.MEMORY_MMAP, 1));
            List<Long> next = new ArrayList<>();
            for (int i = 0; i < 3; i++) next.addAll(decode(client, units.get(i), 201 + i));
            next.addAll(drain(client));
            assertThat(next).containsExactlyInAnyOrder(201L, 202L, 203L);
        }
    }

    /** What a decoder makes of a unit that is cut off is marked as an error, if its library says so; other pictures are not. */
    @ParameterizedTest
    @EnumSource(value = Coding.class, names = { "H264", "MPEG2" })
    void damagedPicturesAreMarked(Coding coding) throws CodecException, IOException {
        CodecEngine engine = Engines.decoding(coding).orElseThrow();
        List<byte[]> units = CodedClip.units(engine, coding);
        try (OneThreadMedia device = device(engine, coding)) {
            PlainClient client = client(device);
            List<Long> times = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                byte[] unit = units.get(i);
                times.addAll(decode(client, i == 5 ? Arrays.copyOf(unit, unit.length / 2) : unit, 1 + i));
            }
            times.addAll(drain(client));
            assertThat(times).containsExactlyInAnyOrder(1L, 2L, 3L, 4L, 5L, -6L);
        }
    }
}
