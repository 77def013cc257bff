package sluice.guest;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.Reader;
import java.io.Writer;
import java.nio.channels.Channels;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import org.jspecify.annotations.Nullable;

/**
 * QEMU's machine protocol (QEMU manual, "QEMU Machine Protocol Specification"): a line of JSON each way. A thread reads; any
 * number of threads may execute commands and wait for events.
 */
public final class Qmp implements AutoCloseable {
    private static final Duration USUAL_LIMIT = Duration.ofSeconds(20);

    private final SocketChannel channel;
    private final Writer writer;
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private final Map<Long, JsonObject> answers = new HashMap<>();
    private final Deque<JsonObject> events = new ArrayDeque<>();
    private @Nullable JsonObject greeting;
    private @Nullable String ended;
    private long lastId;

    /**
     * Takes ownership of a connection, waits for the greeting and leaves negotiation mode.
     *
     * @throws IOException timeout, or QEMU refused
     */
    Qmp(SocketChannel channel) throws IOException, InterruptedException {
        this.channel = channel;
        writer = Channels.newWriter(channel, StandardCharsets.UTF_8);
        Thread.ofPlatform().daemon().name("qmp").start(this::read);
        await("greeting", USUAL_LIMIT, () -> greeting);
        execute("qmp_capabilities");
    }

    private void read() {
        String reason = "QEMU closed the QMP connection";
        try (BufferedReader reader = new BufferedReader(reader())) {
            for (String line = reader.readLine(); line != null; line = reader.readLine()) {
                if (!line.isBlank())
                    deliver(JsonParser.parseString(line).getAsJsonObject());
            }
        } catch (IOException | JsonParseException | IllegalStateException failure) {
            reason = "the QMP connection ended: " + failure.getMessage();
        }
        lock.lock();
        try {
            ended = reason;
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    private Reader reader() {
        return Channels.newReader(channel, StandardCharsets.UTF_8);
    }

    private void deliver(JsonObject message) {
        lock.lock();
        try {
            if (message.has("QMP"))
                greeting = message;
            else
                if (message.has("event"))
                    events.add(message);
                else
                    if (message.has("id"))
                        answers.put(message.get("id").getAsLong(), message);
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Executes a command without arguments, see {@link #execute(String, JsonObject, Duration)}; the limit is 20 s. */
    public JsonElement execute(String command) throws IOException, InterruptedException {
        return execute(command, new JsonObject(), USUAL_LIMIT);
    }

    /**
     * Executes a command.
     *
     * @return the value of "return"
     * @throws IOException QEMU answered with an error (its text is in the message), did not answer in time, or has
     * ended
     */
    public JsonElement execute(String command, JsonObject arguments, Duration limit)
            throws IOException, InterruptedException {
        JsonObject request = new JsonObject();
        request.addProperty("execute", command);
        if (!arguments.isEmpty())
            request.add("arguments", arguments);
        long id;
        lock.lock();
        try {
            id = ++lastId;
            request.addProperty("id", id);
            writer.write(request + "\n");
            writer.flush();
        } finally {
            lock.unlock();
        }
        JsonObject answer = await("answer to " + command, limit, () -> answers.remove(id));
        if (answer.has("error")) {
            throw new IOException("QEMU refused " + command + ": "
                    + answer.getAsJsonObject("error").get("desc").getAsString());
        }
        return answer.get("return");
    }

    /** Waits for the next event of that name, for example "RESET"; events before it are dropped. */
    public JsonObject waitForEvent(String name, Duration limit) throws IOException, InterruptedException {
        return await("event " + name, limit, () -> {
            for (JsonObject event = events.poll(); event != null; event = events.poll()) {
                if (event.get("event").getAsString().equals(name))
                    return event;
            }
            return null;
        });
    }

    /** Drops the events received so far. */
    public void forgetEvents() {
        lock.lock();
        try {
            events.clear();
        } finally {
            lock.unlock();
        }
    }

    /** Writes the first display as a PNG file; QEMU opens the path. */
    public void screendump(Path file) throws IOException, InterruptedException {
        JsonObject arguments = new JsonObject();
        arguments.addProperty("filename", file.toAbsolutePath().toString());
        arguments.addProperty("format", "png");
        execute("screendump", arguments, USUAL_LIMIT);
    }

    @Override
    public void close() throws IOException {
        channel.close();
    }

    private interface Source {
        @Nullable
        JsonObject poll();
    }

    private JsonObject await(String what, Duration limit, Source source) throws IOException, InterruptedException {
        long left = limit.toNanos();
        lock.lock();
        try {
            while (true) {
                JsonObject found = source.poll();
                if (found != null)
                    return found;
                if (ended != null)
                    throw new IOException("no " + what + ": " + ended);
                if (left <= 0)
                    throw new IOException("no " + what + " from QEMU within " + limit.toMillis() + " ms");
                left = changed.awaitNanos(left);
            }
        } finally {
            lock.unlock();
        }
    }
}
