package sluice.vdev.profile;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a recording tells about one device. */
public final class DeviceProfile {
    /** Frames that are kept as such, evenly over time; the quantiles are of more. */
    private static final int MOST_FRAMES = 4096;
    private static final int WORST = 10;
    private static final int MOST_KINDS = 256;
    private static final Stage[] STAGES = Stage.values();

    private final String name;
    private final int thread;
    private final List<Frame> frames = new ArrayList<>();
    private final List<Frame> worst = new ArrayList<>();
    private final Samples[] stages = new Samples[STAGES.length];
    private final Samples total = new Samples();
    private final Samples busy = new Samples();
    private final Map<String, RequestKind> requests = new LinkedHashMap<>();
    private final Tally tally = new Tally();
    private long unnamedRequests;
    private long batchedRequests;
    private int step = 1;

    DeviceProfile(String name, int thread) {
        this.name = name;
        this.thread = thread;
        for (int i = 0; i < stages.length; i++) stages[i] = new Samples();
    }

    void add(Frame frame) {
        long seen = total.count();
        total.add(frame.nanos());
        busy.add(frame.busyNanos());
        for (Stage stage : STAGES) of(stage).add(frame.nanos(stage));
        worst.add(frame);
        if (worst.size() > WORST)
            worst.remove(worst.stream().min(Comparator.comparingLong(Frame::busyNanos)).orElseThrow());
        if (seen % step != 0) return;
        if (frames.size() == MOST_FRAMES) {
            for (int i = 0; i < MOST_FRAMES / 2; i++) frames.set(i, frames.get(2 * i));
            frames.subList(MOST_FRAMES / 2, MOST_FRAMES).clear();
            step *= 2;
        }
        frames.add(frame);
    }

    void request(String queue, String request, long waited, long worked, long all, long available) {
        RequestKind kind = requests.get(queue + "/" + request);
        if (kind == null) {
            if (requests.size() == MOST_KINDS) {
                unnamedRequests++;
                return;
            }
            kind = new RequestKind(queue, request);
            requests.put(queue + "/" + request, kind);
        }
        kind.add(waited, worked, all, available);
    }

    /** The device's name, such as {@code gpu}. */
    public String name() {
        return name;
    }

    /** Its thread, as in the recording. */
    int thread() {
        return thread;
    }

    /** Some of its frames, or all, in order. */
    public List<Frame> frames() {
        return List.copyOf(frames);
    }

    /** Number of its frames. */
    public long frameCount() {
        return total.count();
    }

    /** The frames that kept it busy longest, the longest first. */
    public List<Frame> worst() {
        return worst.stream().sorted(Comparator.comparingLong(Frame::busyNanos).reversed()).toList();
    }

    /** Nanoseconds of a stage in each frame. */
    @SuppressWarnings("EnumOrdinal") // an index of an array that lives as long as the process
    public Samples of(Stage stage) {
        return stages[stage.ordinal()];
    }

    /** Nanoseconds of each frame. */
    public Samples total() {
        return total;
    }

    /** Nanoseconds of each frame for which the device had something to do. */
    public Samples busy() {
        return busy;
    }

    /** Its requests by queue and name, in the order of their first. */
    public Collection<RequestKind> requests() {
        return List.copyOf(requests.values());
    }

    /** Requests of more names than are kept. */
    public long unnamedRequests() {
        return unnamedRequests;
    }

    void batched(long count) {
        batchedRequests += count;
    }

    /** Requests that came too fast to be told one by one; their time is an equal part of that of their batch. */
    public long batchedRequests() {
        return batchedRequests;
    }

    /** All that happened on its thread. */
    public Tally tally() {
        return tally;
    }
}
