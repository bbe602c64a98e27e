"""The floor F: the least a Django REST API that locks codes must cost; every ratio of the benchmark is to it.

A bare APIView, nested serializers, one SQL statement; no authentication, no rules, no audit, no middleware.
"""
