package sluice.vdev.profile;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordedFrame;
import jdk.jfr.consumer.RecordedMethod;
import jdk.jfr.consumer.RecordedStackTrace;
import jdk.jfr.consumer.RecordedThread;
import jdk.jfr.consumer.RecordingFile;

/** What a recording of JDK Flight Recorder tells: where the threads were, and pauses of the garbage collector. */
final class JfrProfile {
    private static final String JAVA = "jdk.ExecutionSample";
    private static final String NATIVE = "jdk.NativeMethodSample";
    private static final String PAUSE = "jdk.GCPhasePause";
    private static final int MOST_SITES = 15;

    /**
     * A method in which threads were found.
     *
     * @param self samples in the method itself
     * @param all samples in it and what it called
     */
    record Site(String method, long self, long all) {}

    private final CallTree tree = new CallTree();
    private final Map<String, long[]> sites = new HashMap<>();
    private long samples;
    private long pauses;
    private long pauseNanos;
    private long longestPause;

    private JfrProfile() {}

    /** @throws IOException the file cannot be read, or is not a recording */
    static JfrProfile read(Path file) throws IOException {
        JfrProfile profile = new JfrProfile();
        try (RecordingFile recording = new RecordingFile(file)) {
            while (recording.hasMoreEvents())
                profile.add(recording.readEvent());
        }
        return profile;
    }

    private void add(RecordedEvent event) {
        switch (event.getEventType().getName()) {
            case JAVA -> sample(event);
            case NATIVE -> {
                if (!isWaiting(event)) sample(event);
            }
            case PAUSE -> {
                long nanos = event.getDuration().toNanos();
                pauses++;
                pauseNanos += nanos;
                longestPause = Math.max(longestPause, nanos);
            }
            default -> {
                // not in the report; JMC shows all
            }
        }
    }

    /** Threads that wait in a call of the system are sampled as if they worked. */
    private static boolean isWaiting(RecordedEvent event) {
        RecordedStackTrace stack = event.getStackTrace();
        if (stack == null || stack.getFrames().isEmpty()) return true;
        String top = name(stack.getFrames().getFirst());
        return top.contains("epoll") || top.contains("Poll") || top.contains(".accept") || top.contains(".wait")
                || top.contains("park");
    }

    private void sample(RecordedEvent event) {
        RecordedStackTrace stack = event.getStackTrace();
        if (stack == null || stack.getFrames().isEmpty()) return;
        samples++;
        RecordedThread thread = event.getThread("sampledThread");
        String of = thread == null || thread.getJavaName() == null ? "thread" : thread.getJavaName();
        List<String> methods = new ArrayList<>();
        methods.add(of);
        List<RecordedFrame> frames = stack.getFrames();
        Set<String> seen = new HashSet<>();
        for (int i = frames.size() - 1; i >= 0; i--) {
            String name = name(frames.get(i));
            methods.add(name);
            if (seen.add(name)) sites.computeIfAbsent(name, _ -> new long[2])[1]++;
        }
        sites.computeIfAbsent(methods.getLast(), _ -> new long[2])[0]++;
        tree.add(methods);
    }

    private static String name(RecordedFrame frame) {
        RecordedMethod method = frame.getMethod();
        if (method == null) return "?";
        String type = method.getType().getName();
        String shown = type.substring(type.lastIndexOf('.') + 1) + "." + method.getName();
        return type.startsWith("sluice.") ? CallTree.OURS + shown : shown;
    }

    CallTree tree() {
        return tree;
    }

    /** Number of samples of working threads. */
    long samples() {
        return samples;
    }

    /** Methods with the most samples of their own. */
    List<Site> sites() {
        return sites.entrySet().stream()
                .map(site -> new Site(CallTree.shown(site.getKey()), site.getValue()[0], site.getValue()[1]))
                .sorted(Comparator.comparingLong(Site::self).reversed()).limit(MOST_SITES)
                .filter(site -> site.self() > 0).toList();
    }

    long pauses() {
        return pauses;
    }

    long pauseNanos() {
        return pauseNanos;
    }

    long longestPause() {
        return longestPause;
    }
}
