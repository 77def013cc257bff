package sluice.vdev.vfiouser;

/**
 * A message and its header.
 *
 * @param id chosen by the sender, repeated in the reply
 * @param command command number
 * @param noReply whether the no-reply flag is set
 */
record Incoming(int id, int command, boolean noReply, ClientMessage message) {}
