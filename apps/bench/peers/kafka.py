"""Fills a topic, and is the side of librdkafka in reading and writing one.

    kafka.py make ADDRESS TOPIC COUNT      makes the topic with so many messages of 100 bytes, unless it is there
    kafka.py read ADDRESS TOPIC            answers repetitions: all messages, see serve.py
    kafka.py produce ADDRESS TOPIC COUNT   answers repetitions: so many messages of 100 bytes into the topic, once each
"""

import sys
import time
import uuid

from confluent_kafka import Consumer, Producer, TopicPartition, libversion
from confluent_kafka.admin import AdminClient, NewTopic

from serve import serve

PARTITIONS = 4
VALUE = b"x" * 100


def create(address, topic):
    """Whether the topic is new."""
    admin = AdminClient({"bootstrap.servers": address})
    if topic in admin.list_topics(timeout=30).topics:
        return False
    admin.create_topics([NewTopic(topic, PARTITIONS, 1)])[topic].result()
    while len(admin.list_topics(topic, timeout=30).topics[topic].partitions) < PARTITIONS:
        time.sleep(0.05)
    return True


def ends(consumer, topic):
    return [consumer.get_watermark_offsets(TopicPartition(topic, partition))[1] for partition in range(PARTITIONS)]


def consumer_of(address):
    return Consumer({"bootstrap.servers": address, "group.id": str(uuid.uuid4()), "enable.auto.commit": False})


def produce(producer, topic, count):
    for index in range(count):
        producer.produce(topic, VALUE, partition=index % PARTITIONS)
        if index % 1000 == 0:
            producer.poll(0)
    producer.flush()


def producer_of(address):
    settings = {"enable.idempotence": True, "linger.ms": 5, "queue.buffering.max.messages": 2_000_000}
    return Producer({"bootstrap.servers": address, **settings})


def read(address, topic):
    consumer = consumer_of(address)
    total = sum(ends(consumer, topic))
    consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
    rows = 0
    while rows < total:
        rows += sum(1 for message in consumer.consume(10_000, timeout=10) if message.error() is None)
    consumer.close()
    return rows


def main(role, address, topic, count="0"):
    versions = {"librdkafka": libversion()[0]}
    if role == "make":
        if create(address, topic):
            produce(producer_of(address), topic, int(count))
    elif role == "read":
        serve(lambda repetition: read(address, topic), lambda rows: {"rows": rows}, versions=versions)
    else:
        create(address, topic)
        producer = producer_of(address)
        consumer = consumer_of(address)
        before = sum(ends(consumer, topic))

        def added(_):
            nonlocal before
            was, before = before, sum(ends(consumer, topic))
            return {"rows": before - was}

        serve(lambda repetition: produce(producer, topic, int(count)), added, versions=versions)


if __name__ == "__main__":
    main(*sys.argv[1:])
