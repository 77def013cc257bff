package sluice.vdev.vfiouser;

/**
 * A message and its header.
 *
 * @param id chosen by whoever asks, repeated in the answer
 * @param command number of the command
 * @param noReply whether the client wants no answer
 */
record Incoming(int id, int command, boolean noReply, ClientMessage message) {}
