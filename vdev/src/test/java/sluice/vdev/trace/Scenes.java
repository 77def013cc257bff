package sluice.vdev.trace;

import sluice.dmacore.trace.EventKind;
import sluice.dmacore.trace.TraceSink;

/** Recordings worth looking at. */
public final class Scenes {
    private static final int FRAME_BYTES = 4096;

    private Scenes() {}

    /** A buffer that a device attaches to, two frames of it, and one broken rule; what follows the second frame is a miss. */
    public static RecordingBytes twoFrames() {
        RecordingBytes scene = new RecordingBytes(32, 64);
        scene.name(1, "screen \"one\"");
        scene.name(2, "gpu0");
        scene.record(EventKind.EXPORT, 1, 0, 0, 0, 8192, 0);
        scene.after(1).record(EventKind.ATTACH, 1, 2, 0, 0, 0, 0);
        scene.after(10).record(EventKind.MAP, 1, 2, 1, 0, 8192, 0, 2500, TraceSink.NOW);
        for (int frame = 1; frame <= 2; frame++) {
            scene.after(100).record(EventKind.WRITE_BACK, 1, 2, 1, 0, FRAME_BYTES, 1024, 300, TraceSink.NOW);
            scene.record(EventKind.SKIP, 1, 2, 0, FRAME_BYTES, FRAME_BYTES, 3072);
            scene.record(EventKind.TRANSLATE, 1, 2, 0, 0, FRAME_BYTES, FRAME_BYTES, 700, TraceSink.NOW);
            scene.after(50).record(EventKind.COPY, 1, 2, 1, 0, FRAME_BYTES, FRAME_BYTES, 20_000, TraceSink.NOW);
            scene.record(EventKind.FRAME, 1, 2, 0, frame, 0, 0);
        }
        scene.after(1).record(EventKind.FINDING, 1, 2, 7, 64, 64, 0);
        scene.record(EventKind.MISS, 0, 0, 1, -4096L, 4096, 4096, 90_000, TraceSink.NOW);
        scene.after(5).record(EventKind.UNMAP, 1, 2, 1, 0, 8192, 0, 1500, TraceSink.NOW);
        scene.after(1).record(EventKind.RELEASE, 1, 0, 0, 0, 0, 0);
        return scene;
    }

    /** The same, many times over, so that most of it is overwritten. */
    public static RecordingBytes overwritten() {
        RecordingBytes scene = new RecordingBytes(8, 0);
        for (int i = 0; i < 30; i++)
            scene.after(1).record(EventKind.COPY, 1 + i % 3, 0, 0, i, 64, 64, 10, TraceSink.NOW);
        return scene;
    }

    /** Nothing yet. */
    public static RecordingBytes empty() {
        return new RecordingBytes(8, 0);
    }
}
