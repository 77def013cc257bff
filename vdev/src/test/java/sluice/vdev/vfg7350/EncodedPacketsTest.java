package sluice.vdev.vfg7350;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.vdev.codec.Encoder;
import sluice.vdev.codec.EncoderSettings;
import sluice.vdev.codec.Ratio;
import sluice.vdev.device.Report;
import sluice.vdev.device.Workers;
import sluice.vdev.fixture.NullEngine;
import sluice.vdev.fixture.TransportStream;
import sluice.vdev.video.FrameFile;
import sluice.vdev.video.TestPattern;

import static org.assertj.core.api.Assertions.assertThat;

/** How pictures become a stream: on workers, ahead of the driver, with its settings. */
class EncodedPacketsTest {
    private static final int PACKETS = 64;
    private static final EncoderMessages.Wanted USUAL = EncoderMessages.Wanted.usual();

    /** Workers that work when a test says so. */
    private static final class Bench implements Workers {
        private final Deque<Runnable[]> jobs = new ArrayDeque<>();
        private int room = LIMIT;
        private int most;

        @Override
        public boolean submit(String what, Runnable work, Runnable done) {
            if (jobs.size() >= room) return false;
            jobs.add(new Runnable[]{ work, done });
            most = Math.max(most, jobs.size());
            return true;
        }

        boolean work() {
            Runnable[] job = jobs.poll();
            if (job == null) return false;
            job[0].run();
            job[1].run();
            return true;
        }

        void workAll() {
            while (work()) {
            }
        }
    }

    private final Bench bench = new Bench();
    private final Report report = new Report();

    private EncodedPackets packets(NullEngine engine) {
        EncodedPackets packets = new EncodedPackets(new TestPattern(), engine, bench, 0);
        packets.register(report);
        return packets;
    }

    private static StreamSettings settings(EncoderMessages.Wanted wanted) {
        return EncoderMessages.chip(EncoderMessages.start(wanted)).settings();
    }

    private long counted(String name) {
        return report.metrics().stream().filter(metric -> metric.name().equals(name))
                .mapToLong(metric -> ((Report.Single) metric).value().getAsLong()).sum();
    }

    /** Takes buffers, and works whenever there is none. */
    private byte[] take(EncodedPackets packets, int buffers) {
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        byte[] buffer = new byte[PACKETS * PacketSource.PACKET_BYTES];
        for (int i = 0; i < buffers;) {
            if (packets.fill(i, PACKETS, buffer)) {
                all.writeBytes(buffer);
                i++;
            } else {
                assertThat(bench.work()).as("work for buffer %d", i).isTrue();
            }
        }
        return all.toByteArray();
    }

    private static List<Integer> numbers(TransportStream stream, int pid, int width, int height) {
        List<Integer> numbers = new ArrayList<>();
        for (TransportStream.Pes unit : stream.units(pid)) {
            ByteBuffer packet = ByteBuffer.wrap(unit.bytes());
            long number = packet.getLong();
            byte[] luma = new byte[width * height];
            new TestPattern().fill(number, width, height, luma);
            assertThat(packet.getLong()).as("luma of picture %d", number).isEqualTo(NullEngine.checksum(luma));
            numbers.add((int) number);
        }
        return numbers;
    }

    @Test
    void picturesAreEncodedInOrderAndAhead() {
        NullEngine engine = new NullEngine();
        EncodedPackets packets = packets(engine);
        assertThat(packets.fill(0, PACKETS, new byte[PACKETS * 188])).as("not started").isFalse();
        assertThat(packets.bitsPerSecond()).isZero();
        packets.encoder(settings(USUAL));
        assertThat(packets.bitsPerSecond()).isEqualTo(7_024_000);
        TransportStream stream = TransportStream.of(take(packets, 200));
        stream.checkClock(7_024_000);
        List<Integer> numbers = numbers(stream, 0x100, 352, 288);
        assertThat(numbers.subList(0, 7)).containsExactly(0, 3, 1, 2, 6, 4, 5);
        assertThat(numbers).hasSizeGreaterThan(30).doesNotHaveDuplicates();
        assertThat(engine.made()).hasSize(1);
        assertThat(counted("encoder.pictures")).isBetween((long) numbers.size(), numbers.size() + 14L);
        assertThat(bench.most).as("one job at a time").isEqualTo(1);
        packets.close();
        assertThat(engine.open()).isZero();
    }

    @Test
    void withoutWorkNothingIsSentAndNothingIsLost() {
        EncodedPackets packets = packets(new NullEngine());
        packets.encoder(settings(USUAL));
        byte[] buffer = new byte[PACKETS * 188];
        for (int i = 0; i < 20; i++) assertThat(packets.fill(i, PACKETS, buffer)).isFalse();
        assertThat(counted("encoder.starved")).isEqualTo(20);
        bench.room = 0;
        for (int i = 0; i < 20; i++) assertThat(packets.fill(i, PACKETS, buffer)).isFalse();
        bench.room = Workers.LIMIT;
        TransportStream.of(take(packets, 20)).checkClock(7_024_000);
    }

    /** The aspect ratio comes after the start: the same stream goes on with another encoder. */
    @Test
    void settingsMayChangeWithinAStream() {
        NullEngine engine = new NullEngine();
        EncodedPackets packets = packets(engine);
        packets.encoder(settings(USUAL));
        byte[] before = take(packets, 100);
        packets.encoder(settings(
                new EncoderMessages.Wanted(3, false, false, 4000, 6000, 7024, true, 0x100, 0x104, 0x103, 0x10)));
        byte[] after = take(packets, 100);
        byte[] both = new byte[before.length + after.length];
        System.arraycopy(before, 0, both, 0, before.length);
        System.arraycopy(after, 0, both, before.length, after.length);
        TransportStream stream = TransportStream.of(both);
        stream.checkClock(7_024_000);
        List<Integer> numbers = numbers(stream, 0x100, 352, 288);
        List<Integer> sorted = numbers.stream().sorted().limit(numbers.size() - 3).toList();
        for (int i = 0; i < sorted.size(); i++) assertThat(sorted.get(i)).isEqualTo(i);
        assertThat(engine.made()).extracting(EncoderSettings::displayAspect).containsExactly(new Ratio(4, 3),
                new Ratio(16, 9));
        assertThat(engine.open()).isEqualTo(1);
        packets.close();
    }

    @Test
    void eachStartBeginsWithTheFirstPicture() {
        NullEngine engine = new NullEngine();
        EncodedPackets packets = packets(engine);
        packets.encoder(settings(USUAL));
        take(packets, 50);
        packets.encoder(null);
        assertThat(packets.fill(0, PACKETS, new byte[PACKETS * 188])).isFalse();
        bench.workAll();
        assertThat(engine.open()).isZero();
        packets.encoder(settings(
                new EncoderMessages.Wanted(2, true, false, 4000, 6000, 7024, false, 0x200, 0x204, 0x203, 0x10)));
        TransportStream stream = TransportStream.of(take(packets, 50));
        assertThat(numbers(stream, 0x200, 352, 480).getFirst()).isZero();
        packets.encoder(null);
        bench.workAll();
        assertThat(engine.open()).isZero();
    }

    /** A picture is being encoded when the driver stops and starts again. */
    @Test
    void whatIsEncodedForAStoppedStreamIsDropped() {
        NullEngine engine = new NullEngine();
        EncodedPackets packets = packets(engine);
        for (int i = 0; i < 100; i++) {
            packets.encoder(settings(USUAL));
            packets.fill(0, PACKETS, new byte[PACKETS * 188]);
            packets.encoder(null);
        }
        assertThat(bench.most).isEqualTo(1);
        packets.encoder(settings(USUAL));
        TransportStream stream = TransportStream.of(take(packets, 50));
        assertThat(numbers(stream, 0x100, 352, 288).getFirst()).isZero();
        packets.encoder(null);
        bench.workAll();
        assertThat(engine.open()).isZero();
    }

    @Test
    void aCodecThatFailsLeavesAStreamWithoutPictures() {
        NullEngine engine = new NullEngine(20);
        EncodedPackets packets = packets(engine);
        packets.encoder(settings(USUAL));
        TransportStream stream = TransportStream.of(take(packets, 300));
        assertThat(stream.units(0x100).size()).isBetween(15, 20);
        assertThat(stream.packets().get(0x1fff)).isGreaterThan(10_000);
        assertThat(counted("encoder.failures")).isEqualTo(1);
        bench.workAll();
        assertThat(engine.open()).isZero();
        packets.encoder(null);
        packets.encoder(settings(USUAL));
        assertThat(TransportStream.of(take(packets, 50)).units(0x100)).isNotEmpty();
        packets.close();
    }

    @Test
    void aCodecThatThrowsIsNotAskedAgain() {
        NullEngine broken = new NullEngine() {
            @Override
            public Encoder encoder(EncoderSettings settings) {
                throw new IllegalStateException("broken");
            }
        };
        // As the pool does, which logs what a job throws and then runs what follows.
        Workers containing = (_, work, done) -> bench.submit("", () -> {
            try {
                work.run();
            } catch (IllegalStateException e) {
                assertThat(e).hasMessage("broken");
            }
        }, done);
        EncodedPackets packets = new EncodedPackets(new TestPattern(), broken, containing, 0);
        packets.register(report);
        packets.encoder(settings(USUAL));
        assertThat(TransportStream.of(take(packets, 50)).units(0x100)).isEmpty();
        assertThat(counted("encoder.failures")).isEqualTo(1);
        assertThat(bench.jobs.size()).as("only to close it").isEqualTo(1);
    }

    @Test
    void aFileThatBecomesShorterEndsThePictures(@TempDir Path folder) throws IOException {
        Path path = folder.resolve("film.y4m");
        byte[] header = "YUV4MPEG2 W16 H16 Cmono\n".getBytes(StandardCharsets.US_ASCII);
        byte[] frame = new byte[6 + 256];
        System.arraycopy("FRAME\n".getBytes(StandardCharsets.US_ASCII), 0, frame, 0, 6);
        ByteArrayOutputStream film = new ByteArrayOutputStream();
        film.writeBytes(header);
        for (int i = 0; i < 10; i++) film.writeBytes(frame);
        Files.write(path, film.toByteArray());
        assertThat(FrameFile.isPictures(path)).isTrue();
        try (FrameFile file = FrameFile.open(path)) {
            Files.write(path, header);
            EncodedPackets packets = new EncodedPackets(file, new NullEngine(), bench, 0);
            packets.register(report);
            packets.encoder(settings(USUAL));
            TransportStream.of(take(packets, 50));
            assertThat(counted("encoder.failures")).isEqualTo(1);
        }
    }

    @Test
    void buffersMayHaveAnyLength() {
        EncodedPackets packets = packets(new NullEngine());
        packets.encoder(settings(USUAL));
        ByteArrayOutputStream all = new ByteArrayOutputStream();
        for (int i = 0; i < 60;) {
            int count = 1 + i * 37 % 500;
            byte[] buffer = new byte[count * 188];
            if (packets.fill(i, count, buffer)) {
                all.writeBytes(buffer);
                i++;
            } else if (!bench.work()) {
                throw new AssertionError("no work");
            } else if (i % 7 == 3) {
                // The driver asks for less while a long buffer is not full.
                byte[] less = new byte[188];
                if (packets.fill(i, 1, less)) all.writeBytes(less);
            }
        }
        TransportStream.of(all.toByteArray()).checkClock(7_024_000);
        packets.close();
    }
}
