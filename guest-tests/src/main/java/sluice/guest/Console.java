package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A text console of a guest or of a program: a thread reads its lines, other threads wait for a matching line. Each
 * line is matched once, so waiting twice for the same expression waits for two lines.
 */
public final class Console {
    private static final int SHOWN_ON_FAILURE = 15;
    private static final Pattern ESCAPES = Pattern.compile("\u001b\\[[0-9;?]*[A-Za-z]|\u001b[c78=>]|[\r\u0000]");

    private final String name;
    private final OutputStream input;
    private final Supplier<String> background;
    private final Consumer<String> listener;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final List<String> lines = new ArrayList<>();
    private int next;
    private boolean ended;

    /**
     * Starts reading.
     *
     * @param name name in messages
     * @param output output of the other side; its end ends the reading thread
     * @param input where {@link #send} writes
     * @param background called when a wait fails, for further explanations; may return an empty text
     * @param listener receives every line on the reading thread
     */
    Console(String name, InputStream output, OutputStream input, Supplier<String> background,
            Consumer<String> listener) {
        this.name = name;
        this.input = input;
        this.background = background;
        this.listener = listener;
        Thread.ofPlatform().daemon().name("console " + name).start(() -> read(output));
    }

    /**
     * The console of a program: its standard output.
     *
     * @param background as in the constructor
     */
    public static Console of(String name, Process program, Supplier<String> background) {
        return new Console(name, program.getInputStream(), program.getOutputStream(), background, line -> {});
    }

    private void read(InputStream output) {
        String last = "";
        try (BufferedReader reader = new BufferedReader(new InputStreamReader(output, StandardCharsets.UTF_8))) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                String clean = ESCAPES.matcher(line).replaceAll("");
                listener.accept(clean);
                add(clean);
            }
        } catch (IOException closed) {
            last = "(reading ended: " + closed.getMessage() + ")"; // the process died or was closed: its end, with the reason
        }
        lock.lock();
        try {
            if (!last.isEmpty())
                lines.add(last);
            ended = true;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private void add(String line) {
        lock.lock();
        try {
            lines.add(line);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /**
     * Waits for the next line that contains a match, after those passed by earlier waits.
     *
     * @throws IOException no such line in time, or the console ended; the message has the last lines
     */
    public Matcher waitFor(String expression, Duration limit) throws IOException, InterruptedException {
        Pattern pattern = Pattern.compile(expression);
        long left = limit.toNanos();
        lock.lock();
        try {
            while (true) {
                while (next < lines.size()) {
                    Matcher matcher = pattern.matcher(lines.get(next++));
                    if (matcher.find())
                        return matcher;
                }
                if (ended)
                    throw failure("ended without a line that matches \"" + expression + "\"");
                if (left <= 0) {
                    throw failure("printed no line that matches \"" + expression + "\" within " + limit.toMillis()
                            + " ms");
                }
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }

    /** Sends a line, with its line end. */
    public void send(String line) throws IOException {
        input.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        input.flush();
    }

    /** Everything printed so far. */
    public List<String> lines() {
        lock.lock();
        try {
            return List.copyOf(lines);
        } finally {
            lock.unlock();
        }
    }

    /** The last lines, for messages. */
    String tail() {
        List<String> all = lines();
        return String.join("\n", all.subList(Math.max(0, all.size() - SHOWN_ON_FAILURE), all.size()));
    }

    private IOException failure(String what) {
        String more = background.get();
        return new IOException(
                name + " " + what + ". Its last lines:\n" + tail() + (more.isEmpty() ? "" : "\n" + more));
    }
}
