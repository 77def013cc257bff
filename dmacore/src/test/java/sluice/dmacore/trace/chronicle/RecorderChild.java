package sluice.dmacore.trace.chronicle;

import java.io.IOException;
import java.nio.file.Path;

/** Records in a JVM of its own until it is killed, or until opening has failed: {@link KilledRecorderTest}. */
final class RecorderChild {
    static final int TELLERS = 3;

    private RecorderChild() {}

    @SuppressWarnings("resource") // the recorder is open until the process is killed
    public static void main(String[] arguments) throws Exception {
        FlightRecorder recorder = FlightRecorder.start(new RecorderOptions(Path.of(arguments[0]), 1 << 10, 4096));
        recorder.name(1, "told before the file was open");
        if (!recorder.awaitOpen()) {
            try {
                recorder.close();
            } catch (IOException e) {
                System.out.println("failed=" + e.getMessage());
                System.out.println("on=" + recorder.isOn());
            }
            return;
        }
        recorder.name(2, "told afterwards");
        for (int teller = 1; teller <= TELLERS; teller++) {
            int me = teller;
            Thread.ofPlatform().start(() -> {
                for (int i = 0; i < Integer.MAX_VALUE; i++) {
                    MarkedEvents.tell(recorder, me, i);
                    // The parent answers the first of these lines with a SIGKILL.
                    if (i == 100_000) System.out.println("READY");
                }
            });
        }
    }
}
