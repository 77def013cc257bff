package sluice.bench.codec;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import sluice.vdev.codec.CodecEngine;
import sluice.vdev.codec.CodecException;
import sluice.vdev.codec.Coding;
import sluice.vdev.codec.Decoder;
import sluice.vdev.codec.Picture;
import sluice.vdev.codec.PictureFormat;
import sluice.vdev.codec.PictureSink;

/**
 * The codec library with its own pool of pictures, each of which goes back at once. It decodes in the calling thread, as it is
 * called by the device.
 */
record LibraryAlone(CodecEngine engine, Clip clip) implements Subject {
    @Override
    public void decode(int streams) throws InterruptedException {
        try (ExecutorService threads = Executors.newFixedThreadPool(streams)) {
            List<Callable<Integer>> all = new ArrayList<>();
            for (int i = 0; i < streams; i++) all.add(this::decodeOne);
            for (Future<Integer> pictures : threads.invokeAll(all)) {
                if (pictures.get() != clip.units().size())
                    throw new IllegalStateException("the library decodes %d pictures of %d".formatted(pictures.get(),
                            clip.units().size()));
            }
        } catch (ExecutionException e) {
            throw new IllegalStateException("the library does not decode the clip", e);
        }
    }

    private int decodeOne() throws CodecException {
        Counting sink = new Counting();
        try (Decoder decoder = engine.decoder(Coding.H264)) {
            for (MemorySegment unit : clip.units()) decoder.decode(unit, 0, sink);
            decoder.drain(sink);
        }
        return sink.pictures;
    }

    private static final class Counting implements PictureSink {
        private int pictures;

        @Override
        public void format(PictureFormat format) {
            // It is known.
        }

        @Override
        public void picture(Picture picture, long time, boolean key) {
            pictures++;
        }
    }
}
